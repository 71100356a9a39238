"""Which encoding names of files are in, when nothing says it: that in which they read most like names.

All names of a zip are looked at together, since one program wrote them. In each candidate every character
beyond ASCII is worth something: the more, the more often people who use that encoding write it; what is no
text in it costs. Frequent characters decide between encodings of the same byte ranges (GBK, EUC-KR), kinds of
characters do the rest. A name of a character or two may read well in several: then it is a guess. Words in
CP866 may be valid UTF-8 of characters that nobody uses: they are what the zip's other names are, or words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

#: Characters that names of files and folders use most, and then those of common texts.
_SIMPLIFIED = (
    "照片图像相册机手拍摄影文件夹新建本档扫描截屏微信聊天记录发票合同身份证护驾驶营业执收据报告表格名单资料备"
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过后作里用道"
    "行所然家种事成方多经么去法学如都现当没动面起看定天分还进好小部其些主样理心前开但因只从想实日军者意无力"
    "它与长把高正外明问水第回公司工程项目产品图纸设计方案会议培训考试课程作业论文毕业北京上海广州深圳中国测试副本"
    "春夏秋冬东西南北左右红黄蓝白黑花山海河湖城市街路店房车门窗狗猫鸟树老师同学朋友爸妈孩宝结婚旅游美食早餐午饭晚"
    "周月号日期时间编号版本修改最终初稿原始备份下载上传完成未打印复制张页版第二三四五六七八九十百千万两全部"
    "楼栋层座室厅厨卧区县省村镇号背景"
    "王李张刘陈杨赵吴周徐孙马朱胡郭何罗林郑梁谢唐许冯邓韩曹曾彭萧蔡潘袁于董余苏叶吕魏蒋杜丁沈姜范傅钟卢汪戴崔任陆方石姚谭廖邹熊金"
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英燕玲鹏宇辉婷欣浩晨雨梅建志永玉兰云鑫凯佳琪颖"
    "水电气油漏裂缝瓷砖墙顶管线阀泵锅炉钢铁板箱柜桌椅灯空调冰洗衣洁卫浴阳台快递单招牌停仪盘污渍划痕保险药检血片处病历诊型规格数量合格"
)
_TRADITIONAL = (
    "照片圖像相簿機手拍攝影文件夾新建檔案掃描截屏聊天記錄發票合約身分證護照駕駛營業執收據報告表格名單資料備"
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過後作裡用道"
    "行所然家種事成方多經麼去法學如都現當沒動面起看定天分還進好小部其些主樣理心前開但因只從想實日軍者意無力"
    "它與長把高正外明問水第回公司工程項目產品紙設計方案會議訓考試課業論畢臺台北高雄香港灣測試副本"
    "春夏秋冬東西南北左右紅黃藍白黑花山海河湖城市街路店房車門窗狗貓鳥樹老師同學朋友爸媽孩寶結婚旅遊美食早餐午飯晚"
    "週月號日期時間編號版本修改最終初稿原始備份下載上傳完成未列印複製張頁二三四五六七八九十百千萬兩全部"
    "樓棟層座室廳廚臥區縣省村鎮號"
    "王李張劉陳楊趙吳周徐孫馬朱胡郭何羅林鄭梁謝唐許馮鄧韓曹曾彭蕭蔡潘袁于董余蘇葉呂魏蔣杜丁沈姜范傅鍾盧汪戴崔任陸石姚譚廖鄒"
    "君志明淑芬家豪雅婷建宏美玲俊傑佩珊宗翰怡宜惠婉欣宇冠承柏彥庭"
    "水電氣油漏裂縫磁磚牆頂管線鋼鐵板箱櫃桌椅燈空調洗衣潔衛浴陽台快遞招牌停儀盤污漬刮痕保險藥檢血處方病歷診型規格數量"
)
_JAPANESE = (
    "写真画像撮影文書新規作成資料書類領収請求見積契約報告表紙図面設計計画会議研修試験課題論文卒業東京大阪京都日本"
    "一二三四五六七八九十百千万年月日時間分秒回第号番版修正最終原稿保存複製枚頁春夏秋冬東西南北左右赤青白黒花山海川"
    "湖町市区県駅店家車門窓犬猫鳥木先生学校友達父母子供結婚旅行料理朝昼夜食名前人大小中上下前後内外本社部長員業"
    "出入国地方法事物行来見言思知使用開始終了確認完了未済全体一覧程工場所品質管理在庫注発送受付電話住所氏階棟室"
)
_KOREAN = (
    "사진이가다는의에을를은고로한하지나서도기어시정자수대인스아리해그라여부일제장보상사전주소원구동비과문계성우용"
    "신학교관내오마안생물것면실공화국경영게트회조치무만들적음모선천세재중간방명유양조파일새폴더문서복본스캔영수증"
    "계약보고년월일요금가족여행결혼졸업서울부산한글그림화면캡처자료최종수정본표김박최강조윤임층집호실동앞뒤위옆"
    "홍길정황안송류권백남심노허유민준은현우영예채빈혜숙희철훈석태성승진광규병재연미란순옥춘길민정"
    "바다등꽃벚나무산강물불길빛눈비봄여름가을겨울하늘별달해밤낮아침점심저녁밥국고기김치빵떡차커피술과일채소"
    "벽지타일누수균열배관욕거현베란택배송간판외내주차번계기얼룩흠집창문천장바닥전등콘센트가구책상의자침대"
    "메뉴판컴퓨터폰카드페이엘에스티케이디비아오알앤블로프크드브터센러레르린렌킹픽팅쿠키토마트피자햄버거샵"
    "강개걸검격견결겸경곡골곳공광교국군권균극근금급긴끝날넷널눔늘능니님답당덕덜돈돌됨될둘들듯때떤또뜻람랑량럼렇력련령록론료루룹른릉립많말맞맡맥머먹면몇몸못묘물밀및받발방밖배별복볼봉북분빠빨빼뿐삶삼상색생섬섭셋셔소속손쇼술쉬습승식신싶쌍씨악알앞액양억언업없여역열엽옛온올옷완왕외욕용운움원위육율읍응익인읽잃입잎작잘잡접젊점정제젠족존졸종좋죄죽줄쥐즉즐증집짓쪽찰참창책척천철첫청체초촌총축출충측층친칠칭칸큰킬탄탈탐택터털텔토통퇴투특틀팀팔패편평폐포폭품풍피필항향험혁혼홀확환활횡효후휴흐흙희힘"
)
#: Words and beginnings that say of what alphabet they are, also where each letter may be another one.
_TELLING = re.compile(
    r"(?<![^\W\d_])(?:фото|скан|план|дом|схема|сч[её]т|акт|копия|лист|паспорт|договор|отч[её]т|документ|кухня|вид"
    r"|[àÀ](?= [a-z]))(?![^\W\d_])",
    re.IGNORECASE,
)
#: Letters of Latin alphabets, and those among them that are rare, in front of a word above all.
_RARE_LATIN = "õýÍÃÚÒÕÓÔÎ"
_LATIN = "éèêëàâäáãåæçíìîïñóòôöõøúùûüýßÉÈÊÀÂÄÁÅÆÇÍÎÑÓÔÖØÚÜÃÕ"


#: Punctuation of East Asia, letters in full width, numbers in circles: from and to.
_WIDE_SIGNS = ("\u3000\u303f", "\uff01\uff5e", "\u2460\u2473")


#: What a character is worth, given its neighbours: 2 for a frequent one, below 0 for an odd one.
_Worth = Callable[[str, str, str], float]


@dataclass(frozen=True)
class _Wide:
    """Characters of two bytes, mostly: the frequent ones, and between which codes the common ones are."""

    encoding: str
    frequent: frozenset[str]
    first: int
    last: int
    least_trail: int = 0x40

    def worth(self, before: str, char: str, after: str) -> float:
        """The worth of a character by its place in the standard; one amid Latin letters is odd."""
        if self.encoding == "cp932" and _is_half_kana(char):
            return 0.3 if _is_half_kana(before) or _is_half_kana(after) else -1
        is_glued = before.isascii() and _is_ascii_letter(after)
        return self.own_worth(char) - (1.5 if is_glued or self._eats_a_letter(before, char, after) else 0)

    def _eats_a_letter(self, before: str, char: str, after: str) -> bool:
        """True for one between Latin letters, of which the second is half of it."""
        if not _is_ascii_letter(before) or not after.isascii():
            return False
        return chr(char.encode(self.encoding)[-1]) in _ASCII_LETTERS

    def has(self, char: str) -> bool:
        """True for a character that can be written in it."""
        try:
            return bool(char.encode(self.encoding))
        except UnicodeEncodeError:
            return False

    def own_worth(self, char: str) -> float:
        """The worth of a character by itself."""
        if char in self.frequent:
            return 2
        if self.encoding == "cp932" and "\u3041" <= char <= "\u30fe":
            return 1.7
        if char <= "\u009f":
            # A control character, which no name has.
            return -3
        code = char.encode(self.encoding)
        is_common = len(code) == 2 and self.first <= int.from_bytes(code, "big") <= self.last
        if not _is_wide_sign(char) and not (is_common and code[1] >= self.least_trail):
            return -1
        # Of the syllables that can be written in Korean, words have far fewer.
        return 0.7 if _is_hangul(char) else 1


def _is_wide_sign(char: str) -> bool:
    """True for punctuation, digits and letters in the width of a Chinese character."""
    return _is_within(char, _WIDE_SIGNS) or char in "·—…“”‘’×№"


def _is_within(char: str, spans: Sequence[str]) -> bool:
    """True for a character between the two of one of the spans."""
    return any(span[0] <= char <= span[1] for span in spans)


def _is_half_kana(char: str) -> bool:
    """True for a Japanese letter in half the width, which is one byte."""
    return "\uff66" <= char <= "\uff9f"


def _is_hangul(char: str) -> bool:
    return "\uac00" <= char <= "\ud7a3"


def _is_ascii_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _in_latin(before: str, char: str, after: str) -> float:
    """One accented letter among others; two in a row are rare in any language."""
    if not char.isalpha():
        return -1.5
    if not (_is_ascii_letter(before) or _is_ascii_letter(after)):
        return 0.3 if char in _LATIN and (before in _LATIN or after in _LATIN) else -0.5
    is_torn = (before.islower() and char.isupper()) or (char.islower() and after.isupper())
    is_odd = char not in _LATIN or is_torn or (char == "ß" and before.lower() not in "aeiouyäöü")
    if is_odd:
        return -1
    return 1.5 if char in _RARE_LATIN else 1.6


def _in_cyrillic(before: str, char: str, after: str) -> float:
    """Words of small letters, perhaps with a large one in front, and no Latin letter in them."""
    if not "А" <= char <= "ё":
        return -1.5
    if (before.islower() and char.isupper()) or _is_ascii_letter(before) or _is_ascii_letter(after):
        return -1
    if char in "ъыьЪЫЬ" and not before.isalpha():
        # No word begins so.
        return -1
    if before.isupper() and char.isupper():
        return 0.3
    if before.isalpha() and after.islower() and not after.isascii():
        # Amid a word.
        return 1.3
    return 0.6 if char in "ёъэщфцюшхж" else 0.9


def _in_utf8(before: str, char: str, after: str) -> float:
    """A letter of two bytes, better beside another: two bytes alone fit together in other encodings too."""
    if char >= "\u0800":
        return 2.1 if _is_common(char) else 0.5
    if "\u0300" <= char <= "\u036f":
        # An accent of its own, as macOS writes them.
        return 2.1 if before.isalpha() and char in _ACCENTS else -1
    if not _is_within(char, _ALPHABETS):
        return 1.2 if char in "°§±²³©®£" else 0.6
    return 2.1 if before.isalpha() or after.isalpha() else 1.4


#: Letters of two bytes in UTF-8: Latin, Romanian, Vietnamese, Greek, Cyrillic, Hebrew, Arabic; from and to.
_ALPHABETS = ("Àſ", "Șț", "Ơơ", "Ưư", "Άώ", "Ѐџ", "Ґґ", "\u05d0\u05ea", "\u0621\u06d2")
#: Accents that letters have in the languages of Europe, and Vietnamese.
_ACCENTS = (
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u031b\u0323\u0326\u0327\u0328"
)
_ASCII_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

_STANDARDS = (
    _Wide("gb18030", frozenset(_SIMPLIFIED), 0xB0A1, 0xD7F9, 0xA1),
    _Wide("cp932", frozenset(_JAPANESE), 0x889F, 0x9872),
    _Wide("cp950", frozenset(_TRADITIONAL), 0xA440, 0xC67E),
    _Wide("cp949", frozenset(_KOREAN), 0xB0A1, 0xC8FE, 0xA1),
)
_WIDE: dict[str, _Worth] = {wide.encoding: wide.worth for wide in _STANDARDS}
#: What DOS wrote Cyrillic in.
_CYRILLIC = "cp866"
_CANDIDATES: dict[str, _Worth] = {
    "utf-8": _in_utf8,
    **_WIDE,
    "cp437": _in_latin,
    "cp850": _in_latin,
    "cp1252": _in_latin,
    "cp866": _in_cyrillic,
    "cp1251": _in_cyrillic,
}
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_BEYOND_TWO_BYTES = re.compile(r"[^\x00-\u07ff]")
_ASCII = bytes(range(0x80))
#: Characters beyond ASCII that are looked at in all names, and in a single one; characters of any kind in
#: all, and at the beginning of each: more would say the same.
_ENOUGH, _ENOUGH_IN_ONE, _ENOUGH_OF_ANY, _ENOUGH_OF_EACH = 4096, 256, 1 << 17, 2048


def decoded(names: Sequence[bytes]) -> list[str]:
    """The names as text. None is lost: bytes that are no text in any encoding become `\ufffd`."""
    encoding = guess(names)
    return [_decoded(name, encoding) for name in names]


def _decoded(name: bytes, encoding: str) -> str:
    """A name in its folder's encoding, unless it is none there, or is torn by it, and fits another one."""
    if _is_surely_utf8(name) and not (encoding == _CYRILLIC and _is_cyrillic(name)):
        return name.decode()
    if _is_whole(name, encoding):
        return name.decode(encoding)
    fitting = [other for other in _WIDE if _is_whole(name, other)]
    return name.decode(max(fitting, key=lambda other: _score(other, [name]), default=encoding), "replace")


def _is_whole(name: bytes, encoding: str) -> bool:
    """True when the name is text in which no backslash begins a hidden part: that is half of a character."""
    text = _text(name, encoding)
    return text is not None and "\\." not in text


def guess(names: Sequence[bytes], candidates: Sequence[str] = tuple(_CANDIDATES)) -> str:
    """The candidate in which these names read most like names; UTF-8 when all are surely in it."""
    odd = [*dict.fromkeys(name for name in names if not name.isascii())]
    unsure = [name for name in odd if not _is_surely_utf8(name)]
    if len(unsure) < len(odd) and all(_text(name, "utf-8") is not None for name in unsure):
        return "utf-8"
    return max(candidates, key=lambda encoding: _score(encoding, unsure))


def _is_surely_utf8(name: bytes) -> bool:
    """True for a sequence of three bytes or more that fit together; in no other encoding it often does so.

    Words in CP866 do: then it has to be a character that people use.
    """
    text = _text(name, "utf-8")
    wide = [] if text is None else _BEYOND_TWO_BYTES.findall(text)
    return bool(wide) and (any(map(_is_common, wide)) or not _is_cyrillic(name))


def _is_cyrillic(name: bytes) -> bool:
    """True when all letters beyond ASCII make words in CP866."""
    text = name.decode(_CYRILLIC)
    padded = f" {text} "
    return all(
        _in_cyrillic(padded[place - 1], char, padded[place + 1]) > 0
        for place, char in enumerate(text, 1)
        if not char.isascii()
    )


def _is_common(char: str) -> bool:
    """True for a character of East Asia that is common in one of its standards."""
    return any(wide.has(char) and wide.own_worth(char) >= 1 for wide in _STANDARDS)


def _score(encoding: str, names: Sequence[bytes]) -> float:
    """What a character of the names is worth on average."""
    worth, seen, read = 0.0, 0, 0
    most = _ENOUGH if len(names) > 1 else _ENOUGH_IN_ONE
    for name in names:
        text = _text(name, encoding)
        if text is None:
            lost = len(name.translate(None, _ASCII))
            worth, seen = worth - 2 * lost, seen + lost
        else:
            text = text[:_ENOUGH_OF_EACH]
            read += len(text)
            worth -= 3 * text.count("\\.")
            worth += sum(2 * len(found[0]) for found in _TELLING.finditer(text))
            padded = f" {text} "
            for found in islice(_BEYOND_ASCII.finditer(text), most - seen):
                place = found.start() + 1
                worth += _CANDIDATES[encoding](padded[place - 1], found[0], padded[place + 1])
                seen += 1
        if seen >= most or read >= _ENOUGH_OF_ANY:
            break
    return worth / max(1, seen)


def _text(name: bytes, encoding: str) -> str | None:
    try:
        return name.decode(encoding)
    except UnicodeDecodeError:
        return None
