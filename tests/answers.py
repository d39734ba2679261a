"""What a visitor does on the page of an answer."""

from bs4 import BeautifulSoup


def change_inputs(client, answer):
    """The page with the form to which "Change inputs" leads from the page of an answer."""
    page = BeautifulSoup(client.get(answer).content, "html.parser")
    [link] = [each["href"] for each in page.select("a[href]") if each.text.strip() == "Change inputs"]
    response = client.get(link, follow=True)
    assert response.status_code == 200
    return BeautifulSoup(response.content, "html.parser")
