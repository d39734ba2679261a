"""Pages of a browser that its tests use one after another: a new one costs half a second of processor time."""


class Tabs:
    """Lends pages without cookies, and takes them back when a test ends."""

    def __init__(self, browser):
        self._browser, self._lent = browser, []
        self._free = {True: [], False: []}  # By whether JavaScript runs.

    def lend(self, viewport, color_scheme="light", javascript=True, **listeners):
        """A page of this size; listeners, such as `console=complaints.append`, are its own until it is taken back."""
        free = self._free[javascript]
        page = free.pop() if free else self._browser.new_context(java_script_enabled=javascript).new_page()
        self._lent.append((page, javascript, listeners))
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, forced_colors="none")
        for event, listener in listeners.items():
            page.on(event, listener)
        return page

    def take_back(self):
        for page, javascript, listeners in self._lent:
            for event, listener in listeners.items():
                page.remove_listener(event, listener)
            page.context.clear_cookies()
            page.context.clear_permissions()
            page.goto("about:blank")
            self._free[javascript].append(page)
        self._lent = []
