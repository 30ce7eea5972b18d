"""Thai names, put together from lists of our own; any likeness to a person is chance."""

from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MALE = _words(
    "สมชาย สมศักดิ์ สมบัติ สมพงษ์ ประเสริฐ ประยูร บุญมี บุญส่ง บุญเลิศ คำสิงห์ คำภา ทองดี ทองคำ สุรชัย สุรศักดิ์ วิชัย วิเชียร "
    "มานะ มานพ ณรงค์ อนุชา ธนากร ธีรพล กิตติ ชาญชัย เฉลิม ไพโรจน์ ไพบูลย์ เสถียร เอกชัย ศักดิ์ดา อุดม อำนาจ สายันต์ สุพจน์ "
    "จำรัส เกรียงไกร ภาณุพงศ์ ณัฐวุฒิ ธนวัฒน์ พีรพัฒน์ ภูมินทร์ อภิสิทธิ์ ศุภกร ก้องภพ ปัณณวิชญ์ กฤษณะ ไกรสร เดชา โสภณ"
)
_FEMALE = _words(
    "สมใจ สมหมาย สมพร บุญมา บุญเรือง คำพอง คำหล้า ทองใบ ทองสุข มาลี มาลัย สุดา สุดารัตน์ วิไล วันเพ็ญ วาสนา รัตนา เพ็ญศรี "
    "จันทร์เพ็ญ จันทร์ดี อรทัย อรุณี ดวงใจ นงลักษณ์ ลำดวน ลำไย ประนอม พิสมัย สายใจ สุภาพร ศิริพร กัลยา กาญจนา ปราณี เกษร "
    "แก้วตา ใบหม่อน ณัฐธิดา พิมพ์ชนก กมลชนก ปวีณา ชลธิชา ธิดารัตน์ ขวัญใจ ศศิธร เยาวลักษณ์ ไพลิน โสภา เอมอร แสงดาว"
)
_BEFORE = _words("ศรี แสน คำ บุญ ทอง แก้ว วงศ์ พล จันทร์ สิงห์ ชัย สุข พรม อินทร์ ราช มณี ไชย ภู นาม เพชร")
_AFTER = _words(
    "สว่าง ประเสริฐ สมบูรณ์ ภักดี จันทร์ งาม วงษา ดี มา คำ ทอง ชัย สุข พร แก้ว เมือง บุรี กุล พันธ์ ศิลป์ "
    "โสภา รักษา ทวี เจริญ อุดม ลุน หล้า โยธา แสง วิเศษ"
)


def first_name(rng: Random, sex: str) -> str:
    names = _MALE if sex == "male" else _FEMALE
    return names[int(rng.random() * len(names))]


def last_name(rng: Random) -> str:
    before = _BEFORE[int(rng.random() * len(_BEFORE))]
    return before + _AFTER[int(rng.random() * len(_AFTER))]


def prefix(sex: str, age: int, *, married: bool) -> str:
    """Reference name_prefixes: เด็กชาย and เด็กหญิง under 15; นาง for a married woman."""
    if age < 15:
        return "เด็กชาย" if sex == "male" else "เด็กหญิง"
    if sex == "male":
        return "นาย"
    return "นาง" if married else "นางสาว"
