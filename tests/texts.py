"""Makes small tables of texts, for tests of models that are trained on them."""

import csv
import io

import numpy as np

SPAM = ["cash", "free", "prize", "claim", "winner", "urgent", "click", "bonus", "offer", "credit"]
HAM = ["lunch", "mum", "later", "meeting", "see", "home", "train", "tonight", "thanks", "movie"]
COMMON = ["the", "you", "now", "your", "for", "and", "we", "is", "it", "today"]
GOOD = ["非常好吃", "服务热情", "环境很舒服", "下次还会再来", "味道很棒", "价格实惠", "强烈推荐", "菜品新鲜"]
BAD = ["太难吃了", "服务态度差", "环境很吵", "再也不来了", "味道很一般", "价格太贵", "不推荐大家来", "菜都凉了"]
NEUTRAL = ["我们昨天晚上去的", "这家店在地铁站旁边", "点了两个菜和一碗面", "和朋友一起吃饭", "周末人比较多"]


def make_spam(rows=200, seed=0):
    """Messages, half of them spam by their words, with how many there were that day; most are different."""
    random = np.random.default_rng(seed)
    labels = random.choice(["spam", "ham"], rows)
    messages = [
        " ".join([*random.choice(SPAM if label == "spam" else HAM, 4), *random.choice(COMMON, 4)]) for label in labels
    ]
    return {"message": messages, "sent": random.integers(1, 50, rows).tolist(), "label": labels.tolist()}


def make_reviews(rows=200, seed=0):
    """Reviews in Chinese, which has no blanks between words, and what they think of a restaurant."""
    random = np.random.default_rng(seed)
    moods = random.choice(["good", "bad"], rows)
    texts = [
        "，".join([random.choice(NEUTRAL), *random.choice(GOOD if mood == "good" else BAD, 2)]) + "。" for mood in moods
    ]
    return {"review": texts, "mood": moods.tolist()}


def write_csv(columns, *names):
    """These columns, or those of these names, as a CSV file."""
    chosen = {name: columns[name] for name in names or columns}
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(chosen)
    writer.writerows(zip(*chosen.values(), strict=True))
    return written.getvalue()
