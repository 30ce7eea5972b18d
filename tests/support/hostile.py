"""Texts that mean something to somebody: to a database, a shell, a browser, a pattern, a path, a header."""

MARK = "zq7vx"
"""In every hostile text: what an error must not repeat."""
TEXTS = (
    f"'; DROP TABLE household; -- {MARK}", f'" OR "1"="1 {MARK}', f"{MARK}' UNION SELECT secret_hash FROM client --", f"$1 $2::text {MARK}",
    f"%{MARK}%", f"_{MARK}_ ", f"{MARK}\\", f"\\x00{MARK}", f"{MARK}\x00", f"{MARK}\x1f\x7f", f"(?:{MARK}+)+$", f"[{MARK}", f"{{{MARK}}}", f"{{0.__class__}}{MARK}",
    f"../../../etc/passwd{MARK}", f"file:///etc/passwd?{MARK}", f"=cmd|' /C calc'!A0{MARK}", f"<script>{MARK}</script>", f"${{jndi:ldap://{MARK}}}",
    f"a\r\nSet-Cookie: {MARK}=1", f"\u202e{MARK}\u2066", f"{MARK}\ufeff", f"{MARK}\U0010ffff", MARK + "ก" * 5_000, f"~0~1/{MARK}", f"/{MARK}/~2", f"{MARK}\u0000\u0000",
)  # fmt: skip
