"""The words that files use for our codes, in Thai and English; a word that is not here is a fault, never a guess.

Sources: the names in persistence/reference/codes.csv (seeds 001, 003, 004); the shorter forms are assumed. A digit
means something only by a mapping, because layouts number their answers differently; only 1 and 0 stand for yes and no.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from domain.assistance.event import AssistanceType
from domain.casework.problem import ProblemDimension
from domain.registry.household import Classification, Group, Relationship, Stage
from domain.registry.indicators import Result
from domain.registry.person import NoIdReason, Sex, VitalStatus, WelfareCard
from domain.thai import arabic_digits, clean

E = TypeVar("E", bound=StrEnum)

EMPTY = frozenset({
    "-", "--", "---", "–", "—", "ไม่มี", "ไม่มีข้อมูล", "ไม่ระบุ", "ไม่ทราบ", "ว่าง",
    "N/A", "n/a", "#N/A", "NULL", "null", "Null", "None", "none", "(blank)", "(ว่าง)",
})  # fmt: skip
"""Cells that say nothing (assumed); where a column knows the word (`ไม่มี`: no), that meaning comes first."""


def word(text: str) -> str:
    """A text as words are compared: without spaces, full stops, underscores and hyphens, in lower case."""
    plain = arabic_digits(clean(text)).lower()
    return "".join(plain.split()).translate(_LEFT_OUT)


_LEFT_OUT = str.maketrans("", "", "._-")


def _words(codes: type[E], more: Mapping[E, str]) -> Mapping[str, E]:
    """By word: the codes themselves, and the words of `more`, which are parted by spaces."""
    found = {word(code): code for code in codes}
    for code, words in more.items():
        found.update({word(one): code for one in words.split()})
    return found


SEX = _words(Sex, {
    Sex.MALE: "ชาย ช เพศชาย ผู้ชาย m man",
    Sex.FEMALE: "หญิง ญ เพศหญิง ผู้หญิง f woman",
    Sex.OTHER: "อื่นๆ อื่น",
    Sex.UNKNOWN: "ไม่ทราบ",
})  # fmt: skip

RELATIONSHIP = _words(Relationship, {
    Relationship.HEAD: "หัวหน้าครัวเรือน หัวหน้า เจ้าบ้าน หัวหน้าครอบครัว householdhead headofhousehold",
    Relationship.SPOUSE: "คู่สมรส สามี ภรรยา ภริยา husband wife",
    Relationship.CHILD: "บุตร บุตรชาย บุตรสาว บุตรหญิง ลูก ลูกชาย ลูกสาว บุตรบุญธรรม son daughter",
    Relationship.PARENT: "บิดา มารดา บิดามารดา บิดา/มารดา พ่อ แม่ father mother",
    Relationship.SIBLING: "พี่น้อง พี่ น้อง พี่ชาย พี่สาว น้องชาย น้องสาว พี่/น้อง brother sister",
    Relationship.GRANDCHILD: "หลานปู่ หลานย่า หลานตา หลานยาย หลาน(บุตรของบุตร) grandson granddaughter",
    Relationship.GRANDPARENT: "ปู่ ย่า ตา ยาย ปู่ย่าตายาย ปู่/ย่า ตา/ยาย grandfather grandmother",
    Relationship.CHILD_IN_LAW: "บุตรเขย บุตรสะใภ้ ลูกเขย ลูกสะใภ้ เขย สะใภ้ บุตรเขยบุตรสะใภ้ บุตรเขย/สะใภ้",
    Relationship.PARENT_IN_LAW: "พ่อตา แม่ยาย บิดาคู่สมรส มารดาคู่สมรส บิดามารดาของคู่สมรส",
    Relationship.RELATIVE: "ญาติ ญาติอื่น ญาติอื่นๆ ลุง ป้า น้า อา เหลน",
    Relationship.OTHER: "อื่นๆ อื่น ผู้อาศัย ผู้อาศัยหรืออื่นๆ ไม่ใช่ญาติ",
})  # fmt: skip
"""หลาน alone is not here: it is a grandchild or a nephew."""

VITAL_STATUS = _words(VitalStatus, {
    VitalStatus.ALIVE: "มีชีวิต มีชีวิตอยู่ ยังมีชีวิต",
    VitalStatus.DECEASED: "เสียชีวิต เสียชีวิตแล้ว ตาย ถึงแก่กรรม dead",
    VitalStatus.UNKNOWN: "ไม่ทราบ",
})  # fmt: skip

WELFARE_CARD = _words(WelfareCard, {
    WelfareCard.HAS_CARD: "มีบัตร มี ได้รับ ใช่ yes y true 1",
    WelfareCard.NO_CARD: "ไม่มีบัตร ไม่มี ไม่ได้รับ ไม่ใช่ no n false 0",
    WelfareCard.UNKNOWN: "ไม่ทราบ",
})  # fmt: skip

NO_ID_REASON = _words(NoIdReason, {
    NoIdReason.NOT_REGISTERED: "ไม่มีชื่อในทะเบียนบ้าน ยังไม่แจ้งเกิด ยังไม่แจ้งเกิดหรือไม่มีชื่อในทะเบียนบ้าน",
    NoIdReason.NEWBORN: "เด็กแรกเกิด เด็กแรกเกิดรอแจ้งเกิด",
    NoIdReason.STATELESS: "บุคคลไร้สถานะทางทะเบียน ไร้สถานะ ไร้สัญชาติ",
    NoIdReason.FOREIGNER: "ชาวต่างชาติ ต่างชาติ ต่างด้าว",
    NoIdReason.NOT_KNOWN: "ไม่ทราบ ไม่ทราบเลขประจำตัว",
    NoIdReason.REFUSED: "ไม่ประสงค์ให้ข้อมูล",
})  # fmt: skip

CLASSIFICATION = _words(Classification, {
    Classification.UNCLASSIFIED: "ยังไม่จำแนก",
    Classification.DEVELOPABLE: "พัฒนาได้",
    Classification.WELFARE: "สงเคราะห์",
    Classification.DECLINED: "ไม่ขอรับ ไม่ขอรับความช่วยเหลือ",
    Classification.OTHER: "อื่นๆ อื่น",
})  # fmt: skip

STAGE = _words(Stage, {
    Stage.SURVIVE: "อยู่รอด", Stage.SUFFICIENT: "พอเพียง", Stage.SUSTAIN: "ยั่งยืน",
})  # fmt: skip

TARGET_GROUP = _words(Group, {
    group: f"กลุ่ม{group} กลุ่มที่{group} กลุ่มเป้าหมายที่{group}" for group in Group
})  # fmt: skip

RESULT = _words(Result, {
    Result.PASS: "ผ่าน ผ่านเกณฑ์ passed",
    Result.FAIL: "ตก ตกเกณฑ์ ไม่ผ่าน ไม่ผ่านเกณฑ์ failed",
    Result.NOT_APPLICABLE: "ไม่มีผู้เข้าเกณฑ์ ไม่เข้าเกณฑ์",
    Result.NO_DATA: "ไม่มีข้อมูล",
})  # fmt: skip

DIMENSION = _words(ProblemDimension, {
    ProblemDimension.HEALTH: "สุขภาพ ด้านสุขภาพ มิติสุขภาพ",
    ProblemDimension.LIVING: "ความเป็นอยู่ ด้านความเป็นอยู่ มิติความเป็นอยู่",
    ProblemDimension.EDUCATION: "การศึกษา ด้านการศึกษา มิติการศึกษา",
    ProblemDimension.INCOME: "รายได้ ด้านรายได้ มิติรายได้",
    ProblemDimension.ACCESS: "การเข้าถึงบริการของรัฐ ด้านการเข้าถึงบริการของรัฐ การเข้าถึงบริการรัฐ ด้านการเข้าถึงบริการรัฐ",
    ProblemDimension.OTHER: "อื่นๆ อื่น",
})  # fmt: skip

ASSISTANCE_TYPE = _words(AssistanceType, {
    AssistanceType.RELIEF: "การสงเคราะห์ สงเคราะห์",
    AssistanceType.LIVELIHOOD: "ส่งเสริมอาชีพ",
    AssistanceType.TRAINING: "ฝึกอบรม ฝึกอาชีพ ฝึกอบรม/ฝึกอาชีพ",
    AssistanceType.MATERIAL: "สนับสนุนวัสดุ ปัจจัยการผลิต สนับสนุนวัสดุ/ปัจจัยการผลิต",
    AssistanceType.HOUSING_REPAIR: "ซ่อมแซมเคหสถาน ซ่อมแซมบ้าน ซ่อมบ้าน",
    AssistanceType.HEALTH_SERVICE: "บริการสุขภาพ",
    AssistanceType.ENTITLEMENT: "ตรวจสอบสิทธิ ขึ้นสิทธิสวัสดิการ ตรวจสอบ/ขึ้นสิทธิสวัสดิการ",
    AssistanceType.FINANCE_ACCESS: "การเข้าถึงแหล่งทุน แหล่งทุน",
    AssistanceType.MARKET_ACCESS: "สนับสนุนช่องทางการขาย ช่องทางการขาย",
    AssistanceType.EDUCATION: "การศึกษา",
    AssistanceType.LAND: "ที่ดินทำกิน ที่ดินทำกิน/ธนาคารที่ดิน",
    AssistanceType.ADVICE: "ให้คำแนะนำ",
    AssistanceType.HOME_VISIT: "เยี่ยมบ้าน",
    AssistanceType.REFERRAL: "ประสานส่งต่อ ส่งต่อ",
    AssistanceType.OTHER: "อื่นๆ อื่น",
})  # fmt: skip

YES_NO: Mapping[str, bool] = {
    word(one): meaning
    for meaning, words in (
        (True, "true yes y t 1 ใช่ มี ได้ จริง"),
        (False, "false no n f 0 ไม่ใช่ ไม่มี ไม่ได้ ไม่ เท็จ"),
    )
    for one in words.split()
}
