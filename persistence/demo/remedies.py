"""What ails, in words, and what is done about it: for each indicator the menus and who acts.

Menus and agencies are those of the reference data (menus.toml: the indicator's menus, each with its lead, or a
joint agency where the lead is a national body). A test holds this table against the packaged files.
"""

from typing import NamedTuple

PLACES = {"PROV": 2, "DIST": 4, "SCJP_D": 4, "COMM_WELFARE_FUND": 2, "REDCROSS": 2, "SCJP_P": 2}
"""Digits of a unit's area by its kind's beginning; every other kind used here acts in a subdistrict."""


class Remedy(NamedTuple):
    menu: str
    kind: str
    """Of the agency; its unit at the household's area is assigned."""
    type: str
    """Of assistance."""
    only: str | None = None
    """The classification that the menu asks for."""


class Ailment(NamedTuple):
    need: str
    description: str
    remedies: tuple[Remedy, ...]


def unit(kind: str, area_code: str) -> str:
    """The agency of a kind that acts at an area: `PROV_MOPH-42`, `DIST_CDD-4201`, `TAO-420103`."""
    length = next((digits for name, digits in PLACES.items() if kind.startswith(name)), 6)
    return f"{kind}-{area_code[:length]}"


_R = Remedy
_DEV, _WEL = "developable", "welfare"
AILMENTS: dict[str, Ailment] = {
    "bmn-38-6": Ailment(
        "อาหารปลอดภัยในครัวเรือน",
        "อาหารไม่เพียงพอและไม่ถูกสุขลักษณะ",
        (_R("INC-01", "PROV_AGRIEXT", "material", _DEV), _R("HEA-02", "HPH", "advice")),
    ),
    "bmn-38-8": Ailment(
        "ความรู้ดูแลตนเองเมื่อเจ็บป่วย",
        "ครัวเรือนดูแลตนเองเมื่อเจ็บป่วยเบื้องต้นไม่ได้",
        (_R("HEA-01", "PROV_MOPH", "health_service"), _R("HEA-02", "HPH", "advice")),
    ),
    "bmn-38-9": Ailment(
        "กิจกรรมออกกำลังกาย",
        "สมาชิกไม่ได้ออกกำลังกายสม่ำเสมอ",
        (_R("HEA-02", "HPH", "advice"), _R("HEA-01", "PROV_MOPH", "health_service")),
    ),
    "bmn-38-10": Ailment(
        "ผู้ดูแลผู้ป่วยติดเตียง", "ผู้ป่วยติดเตียงขาดคนดูแลในเวลากลางวัน", (_R("HEA-04", "PROV_MOPH", "health_service"),)
    ),
    "bmn-38-11": Ailment(
        "สิทธิรักษาพยาบาล",
        "ไม่ทราบสถานพยาบาลตามสิทธิ",
        (_R("HEA-06", "PROV_MOPH", "entitlement"), _R("ACC-01", "DIST", "entitlement")),
    ),
    "bmn-38-12": Ailment(
        "ตรวจสุขภาพประจำปี",
        "ไม่ได้ตรวจสุขภาพประจำปี เดินทางลำบาก",
        (_R("HEA-03", "PROV_MOPH", "health_service"), _R("HEA-01", "HPH", "health_service")),
    ),
    "bmn-38-13": Ailment("ซ่อมแซมบ้าน", "บ้านทรุดโทรม หลังคารั่ว ไม่คงทน", (_R("LIV-02", "TAO", "housing_repair"),)),
    "bmn-38-14": Ailment("จัดบ้านและกำจัดขยะ", "บ้านไม่เป็นระเบียบ ไม่มีที่ทิ้งขยะ", (_R("LIV-01", "TAO", "advice"),)),
    "bmn-38-15": Ailment("ลดมลพิษรอบบ้าน", "ถูกรบกวนจากควันและฝุ่น", (_R("LIV-06", "TAO", "advice"),)),
    "bmn-38-16": Ailment(
        "เตรียมพร้อมรับภัยพิบัติ", "บ้านอยู่ในพื้นที่น้ำหลาก ไม่มีแผนรับมือ", (_R("LIV-07", "TAO", "material"),)
    ),
    "bmn-38-18": Ailment("น้ำสะอาดเพียงพอ", "น้ำอุปโภคบริโภคไม่พอในฤดูแล้ง", (_R("LIV-03", "TAO", "material"),)),
    "bmn-38-22": Ailment(
        "พัฒนาการเด็กปฐมวัย",
        "เด็กเล็กไม่ได้เข้าศูนย์พัฒนาเด็กเล็ก",
        (_R("EDU-05", "TAO", "education"), _R("EDU-02", "PROV_EDU", "education")),
    ),
    "bmn-38-23": Ailment(
        "กลับเข้าเรียน", "เด็กหลุดจากระบบการศึกษาภาคบังคับ", (_R("EDU-02", "PROV_EDU", "education"),)
    ),
    "bmn-38-24": Ailment(
        "เรียนต่อหรือฝึกอาชีพ", "จบ ม.3 แล้วไม่ได้เรียนต่อและไม่มีงานทำ", (_R("EDU-03", "PROV_EDU", "education"),)
    ),
    "bmn-38-25": Ailment("อ่านเขียนและคิดเลข", "อ่านเขียนภาษาไทยไม่คล่อง", (_R("EDU-04", "PROV_DOLE", "training"),)),
    "bmn-38-26": Ailment(
        "การเรียนรู้ต่อเนื่อง",
        "ขาดทักษะดิจิทัลและการเรียนรู้ต่อเนื่อง",
        (_R("EDU-04", "PROV_DOLE", "training"), _R("EDU-01", "DIST_CDD", "training", _DEV)),
    ),
    "bmn-38-27": Ailment(
        "มีงานทำ",
        "วัยแรงงานไม่มีอาชีพและรายได้",
        (
            _R("INC-11", "PROV_DSD", "training", _DEV),
            _R("INC-12", "PROV_LABOUR", "livelihood", _DEV),
            _R("EDU-01", "DIST_CDD", "training"),
        ),
    ),
    "bmn-38-28": Ailment(
        "อาชีพเสริมผู้สูงอายุ",
        "ผู้สูงอายุไม่มีอาชีพหรือรายได้",
        (_R("INC-13", "PROV_MSDHS", "livelihood", _DEV), _R("INC-17", "DIST_CDD", "advice")),
    ),
    "bmn-38-29": Ailment(
        "เพิ่มรายได้ ลดรายจ่าย",
        "รายได้เฉลี่ยต่ำกว่า 38,000 บาทต่อคนต่อปี",
        (
            _R("INC-01", "PROV_AGRIEXT", "material", _DEV),
            _R("INC-03", "DIST_CDD", "livelihood", _DEV),
            _R("INC-17", "DIST_CDD", "advice"),
        ),
    ),
    "bmn-38-30": Ailment(
        "ออมเงินและบัญชีครัวเรือน",
        "ไม่มีเงินออม มีหนี้นอกระบบ",
        (_R("INC-17", "DIST_CDD", "advice"), _R("INC-15", "DIST_CDD", "finance_access", _DEV)),
    ),
    "bmn-38-31": Ailment(
        "เงินอุดหนุนเด็กแรกเกิด", "เด็กเล็กยังไม่ได้รับเงินอุดหนุน", (_R("ACC-03", "PROV_MSDHS", "entitlement"),)
    ),
    "bmn-38-32": Ailment(
        "ลงทะเบียนบัตรสวัสดิการ",
        "มีคุณสมบัติแต่ยังไม่ได้รับสวัสดิการ",
        (_R("ACC-02", "PROV_TREASURY", "entitlement"), _R("ACC-01", "DIST", "entitlement")),
    ),
    "bmn-38-33": Ailment(
        "การคุ้มครองทางสังคม",
        "เข้าไม่ถึงการคุ้มครองทางสังคม ขาดเครื่องอุปโภคบริโภค",
        (_R("ACC-07", "PROV_MSDHS", "relief"), _R("ACC-06", "COMM_WELFARE_FUND", "relief", _WEL)),
    ),
    "bmn-38-34": Ailment("ดูแลผู้สูงอายุ", "ผู้สูงอายุอยู่ลำพัง ขาดผู้ดูแล", (_R("ACC-04", "PROV_MSDHS", "home_visit"),)),
    "bmn-38-35": Ailment("ดูแลผู้พิการ", "ผู้พิการขาดอุปกรณ์และผู้ดูแล", (_R("ACC-05", "PROV_MSDHS", "material"),)),
    "bmn-38-38": Ailment("มีส่วนร่วมกับชุมชน", "ไม่ได้ร่วมกิจกรรมของชุมชน", (_R("ACC-09", "DIST_CDD", "other"),)),
}
"""By failed indicator."""

UNMEASURED: dict[str, Ailment] = {
    "health": Ailment(
        "รถรับส่งไปโรงพยาบาล", "เดินทางไปพบแพทย์ตามนัดไม่ได้", (_R("HEA-03", "PROV_MOPH", "health_service"),)
    ),
    "living": Ailment("ห้องน้ำที่ปลอดภัย", "ห้องน้ำไม่เหมาะกับผู้สูงอายุ", (_R("LIV-02", "TAO", "housing_repair"),)),
    "income": Ailment(
        "ทุนประกอบอาชีพ",
        "ขาดเงินทุนเริ่มต้นประกอบอาชีพ",
        (_R("INC-16", "DIST_CDD", "finance_access", _DEV), _R("INC-17", "DIST_CDD", "advice")),
    ),
    "access": Ailment(
        "เครื่องอุปโภคบริโภค",
        "ประสบความเดือดร้อนเฉพาะหน้า",
        (_R("ACC-07", "PROV_MSDHS", "relief"), _R("ACC-01", "DIST", "entitlement")),
    ),
    "other": Ailment(
        "กำลังใจและการวางแผนชีวิต", "ขาดแรงจูงใจในการพัฒนาตนเอง", (_R("ACC-08", "TEAM_MENTOR", "advice"),)
    ),
}
"""By dimension, for needs that no indicator measures."""

JOINT = (
    _R("ACC-07", "TAO", "relief"),
    _R("ACC-07", "TAO", "relief"),
    _R("ACC-07", "REDCROSS", "relief"),
    _R("ACC-06", "PROV_MSDHS", "relief"),
    _R("HEA-01", "PROV_MOPH", "home_visit"),
)
"""Who helps beside the one responsible."""

GIVEN: dict[str, tuple[int, int, str, str]] = {
    "relief": (500, 3000, "ชุด", "มอบถุงยังชีพและเงินสงเคราะห์"),
    "livelihood": (2000, 15000, "ราย", "ส่งเสริมอาชีพและติดตามผลผลิต"),
    "training": (300, 1500, "ครั้ง", "ฝึกอบรมทักษะอาชีพ"),
    "material": (300, 5000, "ชุด", "สนับสนุนวัสดุ พันธุ์พืช และอุปกรณ์"),
    "housing_repair": (10000, 60000, "หลัง", "ซ่อมแซมที่อยู่อาศัย"),
    "health_service": (0, 1200, "ครั้ง", "ตรวจสุขภาพและให้คำแนะนำที่บ้าน"),
    "entitlement": (0, 600, "ราย", "ตรวจสอบและขึ้นทะเบียนสิทธิสวัสดิการ"),
    "finance_access": (3000, 30000, "ราย", "ประสานแหล่งทุนและกองทุนชุมชน"),
    "education": (500, 6000, "ราย", "สนับสนุนการกลับเข้าเรียนและทุนการศึกษา"),
    "advice": (0, 0, "ครั้ง", "ให้คำแนะนำและติดตามการปฏิบัติ"),
    "home_visit": (0, 500, "ครั้ง", "เยี่ยมบ้านและประเมินความเป็นอยู่"),
    "other": (0, 1000, "ครั้ง", "ชวนร่วมกิจกรรมของชุมชน"),
}
"""By type of assistance: least and most in baht, the unit counted in, what was done."""
