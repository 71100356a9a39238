"""What is written on the pages: sentences put together from common words, names, dates and sums."""

from random import Random

_ENGLISH = """
    about above account after agreed all almost also although always amount among and annual another answer
    applied archive area around asked at autumn available balance because been before began below between board
    both bridge budget building by called carried case certain change children city clear close cold committee
    common company complete cost could council country course date day decided delay department despite detail
    different during each early east effect eight either end enough entered even every example expected family
    few field figures find first five floor following for form found four from full garden general given good
    government great ground group grow had half harbour has have heavy held help her high history home hour
    house however hundred idea important in increase inside into island issue its journey just kept kind known
    land large last late later leave left length less letter level library light line list little local long
    made main make many map market matter meeting member method might mile minute month more morning most
    mountain moved much museum must name near nearly need never new next night nine no north not note nothing
    now number of off office often old on once one only open or order other our out over own page paid paper
    part past people period person place plan point possible present price printed problem produced public
    quarter question quickly quiet railway rain rather read ready really reason received record region remain
    report result return river road room round rule same school season second section seen service seven several
    shall she short should show side silver simple since six small so some soon south special spring staff
    standard state station still stone street strong such summer supply surface system table taken ten than that
    the their them then there these they third this those though three through time to today together total
    town trade train travel tree two under until upon used usual valley value very village visit wall was water
    way weather week weight well went were west what when where which while white who whole why width wind window
    winter with within without wood word work world would written year yellow yesterday yet young
""".split()
_NAMES = "Amsterdam Berlin Clara Dublin Elena Florence Geneva Helsinki Iris Jasper Kyoto Lisbon Martin Nora".split()
_CHINESE = """
    我们 今天 明天 图书馆 开放 时间 学生 老师 城市 公园 春天 夏天 秋天 冬天 因为 所以 但是 如果 可以 需要
    工作 计划 会议 报告 数据 结果 方法 问题 研究 发展 经济 社会 环境 历史 文化 艺术 音乐 电影 新闻 报纸 天气
    下雨 温度 北京 上海 广州 南京 河流 山脉 森林 动物 植物 花园 房子 街道 汽车 火车 飞机 旅行 朋友 家庭 孩子
    父母 早上 晚上 中午 以前 以后 已经 正在 开始 结束 继续 每天 常常 有时 非常 特别 重要 简单 困难 美丽 安静
    热闹 的 和 在 是 有 了 到 从 把 被 给 对 与 及 这个 那个 许多 一些 所有 其他 第一 第二 最后 价格 数量 质量
    服务 产品 公司 市场 客户 合同 付款 日期 地址 电话 号码 姓名 单位 部门 经理 主任 同意 决定 通知 要求 提供
""".split()


def sentence(rng: Random, is_chinese: bool) -> str:
    """One sentence with its full stop."""
    return _chinese(rng) if is_chinese else _english(rng)


def phrase(rng: Random, is_chinese: bool, words: int) -> str:
    """A few words, as in a heading or the first cell of a row."""
    if is_chinese:
        return "".join(rng.choice(_CHINESE) for _ in range(words))
    return " ".join(rng.choice(_ENGLISH) for _ in range(words)).capitalize()


def number(rng: Random) -> str:
    """A sum, a count, a date or a share."""
    return rng.choice(
        (
            f"{rng.randrange(1, 10_000)}.{rng.randrange(100):02}",
            f"{rng.randrange(2, 1000)}",
            f"{rng.randrange(1, 999)},{rng.randrange(1000):03}",
            f"{rng.randrange(1990, 2030)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            f"{rng.randrange(1, 100)}%",
        )
    )


def _english(rng: Random) -> str:
    said = [rng.choice(_NAMES if rng.random() < 0.06 else _ENGLISH) for _ in range(rng.randrange(6, 18))]
    if rng.random() < 0.3:
        said.insert(rng.randrange(1, len(said)), number(rng))
    if len(said) > 9:
        said[rng.randrange(3, 7)] += ","
    said[0] = said[0][0].upper() + said[0][1:]
    return " ".join(said) + "."


def _chinese(rng: Random) -> str:
    said = [rng.choice(_CHINESE) for _ in range(rng.randrange(5, 14))]
    if len(said) > 8:
        said[rng.randrange(2, 6)] += "，"
    if rng.random() < 0.3:
        said.insert(rng.randrange(1, len(said)), str(rng.randrange(2, 5000)))
    return "".join(said) + "。"
