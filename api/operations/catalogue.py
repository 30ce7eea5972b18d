"""Every code that an error may carry, explained: what it means, and what to do.

Two kinds: the `code` of the whole document, which is also the last part of its `type`, and the `code` of
one entry in `errors`, a fault in one place. A test finds the codes in the source and asks for each here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    status: int
    meaning: str
    remedy: str


PROBLEMS: dict[str, Explained] = {
    # What was sent
    "invalid-input": Explained(
        422, "The request is malformed or breaks a rule; nothing was written.",
        "Each entry of errors names a place (a JSON Pointer into the body, query/… or header/…) and its own code. "
        "Mend them all and send the request again.",
    ),
    "unknown-household": Explained(
        422, "The event names a household that is not registered in your areas.",
        "Check the identifier, or send on_unknown=register: the event is then kept and linked when the household "
        "is registered.",
    ),
    "batch-refused": Explained(
        422, "A batch with atomic=true has an item that is rejected or in conflict; nothing was written.",
        "results has the problem of each bad item; not_written are those without fault. Mend the bad ones and send the "
        "batch again, or send it without atomic to have the good ones recorded.",
    ),
    "idempotency-key-reused": Explained(
        422, "This Idempotency-Key was used with another request.",
        "A key belongs to one request: make a new one for another body.",
    ),
    "content-too-large": Explained(
        413, "The body is larger than this operation takes.", "Send less at once; the detail names the limit."
    ),
    "unsupported-media-type": Explained(
        415, "The Content-Type is not one that this operation reads.", "The detail names those it does."
    ),
    "uri-too-long": Explained(414, "The URL is too long.", "Give fewer filters, and ask more than once."),
    "request-timeout": Explained(408, "The body did not arrive in time.", "Send it again; nothing was written."),
    "bad-request": Explained(
        400, "What was sent is not HTTP/1.1 as RFC 9112 writes it, or could be read in two ways.",
        "Send one Host, and one Content-Length or Transfer-Encoding: chunked, with a client that speaks HTTP.",
    ),
    "headers-too-large": Explained(
        431, "The head of the request is too large.", "Send fewer and shorter header fields."
    ),
    "method-not-allowed": Explained(405, "The path does not know this method.", "The header Allow lists those it does."),
    "problems-are-permanent": Explained(
        405, "A problem is never deleted (001 §5.4).",
        "Move a wrong entry to entered_in_error; another client confirms it.",
    ),
    # Who asks
    "unauthenticated": Explained(
        401, "There is no token, or it is not valid (any more).",
        "Get one from POST /oauth/token and send it as Authorization: Bearer. WWW-Authenticate says what is wrong.",
    ),
    "insufficient-scope": Explained(
        403, "The token lacks a scope; the detail and the member scope name it.",
        "Ask for it at the token endpoint; a client that was not given it asks its administrator.",
    ),
    "purpose-required": Explained(
        403, "The answer would hold unmasked personal data, and the request names no purpose.",
        "Send X-Purpose with a code of /v1/codes/purposes, or use a token without persons:pii to read masked data.",
    ),
    "too-many-grants": Explained(
        409, "Your agency has as many open access grants as one may have.",
        "Wait until one has run out: a grant lasts three hours. GET /v1/access-grants lists them.",
    ),
    "too-many-exports": Explained(
        409, "As many exports of this client are under way as one may have.",
        "Wait for one to finish, or cancel one: GET /v1/exports lists them.",
    ),
    "export-expired": Explained(
        410, "The files of the export have been kept for their time, and are gone.",
        "Ask for a new export; with since it holds what has changed.",
    ),
    "outside-your-areas": Explained(
        403, "The request reaches beyond the areas of your client.", "GET /v1/me/access lists your areas."
    ),
    "not-your-event": Explained(
        403, "An assistance event is corrected by the agency that recorded it, and by no other.",
        "Tell that agency; its code is in the event.",
    ),
    "forbidden": Explained(403, "Your client may not do this.", "GET /v1/me/access lists what it may."),
    "not-found": Explained(
        404, "There is no such thing, or it is not yours to see; the two answer alike.",
        "Check the id, your areas and your scopes.",
    ),
    # What is stored
    "conflict": Explained(409, "The request is at odds with what is stored.", "Read the resource again, and decide anew."),
    "illegal-transition": Explained(
        409, "The lifecycle does not allow this move from here, or not to you.", "The member allowed lists the moves that are."
    ),
    "ambiguous-identifier": Explained(409, "The identifier fits more than one record.", "Use the record's id."),
    "already-a-member": Explained(
        409, "A living person is a current member of one household, and this one has a household.",
        "End that membership first, or leave the person out. Whoever has left a household joins another by POST …/members.",
    ),
    "already-merged": Explained(
        409, "The duplicate is part of another household already.", "Read it: its id answers 308 to that household."
    ),
    "rows-not-rejected": Explained(
        409, "A file of corrected rows has rows that the import has not rejected; nothing of it was taken.",
        "errors names them as row/…, by their numbers in the file that was sent: leave them out. Rows that were taken "
        "are there already, and a conflict is decided at its household.",
    ),
    "already-resolved": Explained(
        409, "A person has decided this conflict, and otherwise.",
        "Read the household; to change a value amend the record itself.",
    ),
    "external-id-conflict": Explained(
        409, "Your agency has recorded other content under this external_id.",
        "To change a recorded event, correct it; for another event use another external_id.",
    ),
    "assignment-closed": Explained(
        409, "The assignment is closed, and takes no more assistance.", "Post the event without assignment_id."
    ),
    "problem-closed": Explained(
        409, "The problem is closed, and closed is final.", "Record a new problem with recurrence_of if it has come back."
    ),
    "analysis-required": Explained(
        409, "The household has no complete ๔ท analysis.", "Record attitude, skills, resources and way_out first."
    ),
    "evidence-required": Explained(
        409, "A problem is resolved on evidence or on recorded assistance; there is neither.",
        "Attach evidence to the transition, or record the assistance.",
    ),
    "needs-another-client": Explained(
        409, "What one client proposes another confirms.", "Have it confirmed through a second client."
    ),
    "too-many-webhooks": Explained(
        409, "Your client has as many webhooks as one may have.", "Delete one that is not used: GET /v1/webhooks lists them."
    ),
    "menu-exists": Explained(409, "There is a menu with this code.", "Amend that one, or choose another code."),
    "client-exists": Explained(409, "There is a client with this id.", "Read the list of clients first."),
    "agency-exists": Explained(409, "There is an agency with this code.", "Amend that one, or choose another code."),
    "campaign-exists": Explained(409, "The fiscal year has a campaign.", "Amend that one."),
    "idempotency-in-progress": Explained(
        409, "The first request with this Idempotency-Key is still running.", "Wait a moment, and send the same again."
    ),
    "version-mismatch": Explained(
        412, "The resource has changed since the version you named.", "Read it, apply your change to it, and send its ETag."
    ),
    "precondition-required": Explained(
        428, "A change must name the version it was made from.", "Send If-Match with the ETag you read."
    ),
    # GraphQL
    "malformed-query": Explained(400, "The text is not GraphQL.", "The member locations points at the place."),
    "invalid-query": Explained(
        400, "The query does not fit the schema.", "The message says where; the schema is schema.graphql, or introspection."
    ),
    "unknown-operation": Explained(
        400, "operationName names none of the operations sent, or is missing where there are several.", "Name one of them."
    ),
    "idempotency-needs-one-mutation": Explained(
        400, "An Idempotency-Key stands for one write, and this is a query, or a mutation that names several fields (in "
        "fragments too, and whether they are skipped or not).",
        "Send one mutation field under a key of its own, or send the request without a key.",
    ),
    "query-too-long": Explained(400, "The query has too many characters.", "Send values as variables, or ask twice."),
    "too-many-tokens": Explained(400, "The query has too many tokens.", "Send values as variables, or ask twice."),
    "query-too-deep": Explained(400, "The query is nested too deeply.", "Start nearer to what you need."),
    "query-too-complex": Explained(
        400, "The query could cost more than one request may.",
        "Ask for smaller pages (first) or fewer parts; extensions.cost of an answer tells what it cost.",
    ),
    "too-many-aliases": Explained(400, "The query has too many aliases.", "Send several requests."),
    "too-many-fragments": Explained(400, "The query has too many fragments.", "Send several requests."),
    "too-many-repeats": Explained(400, "A selection names the same thing too often.", "Name it once."),
    "too-much-introspection": Explained(
        400, "The query asks for the schema too often at once.", "Ask for it once, or read schema.graphql."
    ),
    "result-too-large": Explained(
        422, "A part of the answer holds too many rows.", "Ask for fewer items, or list that part by itself."
    ),
    "cursor-expired": Explained(
        410, "The change feed cannot be followed from this cursor without a gap: what follows it is kept no more, the "
        "database was restored or is another one, or your areas or scopes have changed.",
        "Start again with an export, let go of what it does not hold, and follow the feed from the position it names.",
    ),
    # The service itself
    "rate-limited": Explained(429, "Your client asks too often.", "Wait as long as Retry-After says."),
    "unavailable": Explained(
        503, "The service or its database is at its limit, or away, at the moment.",
        "Wait as long as Retry-After says and send the same again, with the same Idempotency-Key.",
    ),
    "not-ready": Explained(503, "The service has started, and cannot do its work yet.", "The detail says what is missing."),
    "internal-error": Explained(
        500, "Something broke in the service; nothing was written.",
        "Try again; if it stays, report the trace_id, which names the failure in the logs.",
    ),
}  # fmt: skip

FAULTS: dict[str, str] = {
    # Imports
    "empty-file": "The file has no bytes, or no rows.",
    "not-rejected": "The row names no row of the report that was rejected, by row_number or by record_id.",
    "brought-twice": "The file has a line already that corrects the same row.",
    "not-patchable": "The field has an operation of its own; choose `stored` here and use that.",
    "ambiguous-identifier": "The house code fits more than one household of the area; name persons by their citizen ids.",
    "contradicts-row": "An earlier row of the same file says otherwise of the same person or household.",
    "repeated-row": "An earlier row of the same file says the same of the same person.",
    "verified-by-team": "A team has said otherwise: its value stands until the conflict is decided.",
    "not-by-import": "Another source has said otherwise, and no import settles this field: a person decides the conflict.",
    "house-code-taken": "The house code is another household's: this one is left as it is. Move the person, or merge the two.",
    "less-trusted": "A source that is trusted more has said otherwise: its value stands.",
    "not-compared": "A team has registered the person: the phone is neither compared nor taken.",
    "more-trusted": "A source that is trusted less had said otherwise: the value of the file stands.",
    "older-source": "The same source has said otherwise later: that stands.",
    "left-household": "The person is no member of the household any more; by hand it may become one again.",
    "type-not-readable": "Your client lacks the scope that reads changes of this type: nothing of it would ever be sent.",
    # Shape
    "required": "A field that is needed is missing, or must not be cleared.",
    "unknown-field": "There is no such field; nothing is ignored.",
    "unknown-parameter": "There is no such query parameter; nothing is ignored.",
    "repeated-parameter": "The parameter may be given once.",
    "unknown-value": "The value is not one of those that are known.",
    "wrong-type": "The value is of another type, e.g. a number in place of a string.",
    "wrong-format": "The value does not have the required form.",
    "invalid": "The value is not valid.",
    "too-long": "The text is too long.",
    "too-short": "The text is too short.",
    "too-many": "There are too many items.",
    "too-few": "There are too few items.",
    "out-of-range": "The number is below the least or above the most that is allowed.",
    "too-precise": "The number has too many decimal places.",
    "no-time-zone": "A time needs a zone.",
    "malformed-json": "The body is not JSON in UTF-8.",
    "malformed-text": "The text is not valid Unicode.",
    "malformed-query": "The query is not valid UTF-8, or has too many parameters.",
    "batching": "One request at a time: the body is an object.",
    "duplicate-key": "A key stands twice in one object of the body.",
    "too-deep": "The body is nested too deeply.",
    "control-character": "The text holds control characters.",
    "invalid-cursor": "The cursor is not of this list and order; start again without one.",
    # Persons
    "invalid-citizen-id": "The citizen id does not have 13 digits with a valid check digit.",
    "duplicate-citizen-id": "Two members of the request have one citizen id.",
    "no-id-reason": "Exactly one of citizen_id and no_id_reason is null.",
    "no-id-reason-required": "Without a citizen id, no_id_reason says why.",
    "no-id-reason-not-needed": "With a citizen id there is no no_id_reason.",
    "personal-data": "Free text must not hold a citizen id: it is read without masking.",
    "already-a-member": "The person is a current member of a household.",
    "duplicate-head": "A household has one head.",
    "use-change-head": "Who is head changes by change-head alone.",
    "one-person": "Exactly one of person and person_id must be given.",
    "deceased-head": "A deceased person cannot be the head.",
    "not-deceased": "Only a deceased person has a date of death.",
    "before-birth": "The date of death is before the birth date.",
    # Dates
    "future-date": "The date is in the future.",
    "past-date": "The date or time has passed.",
    "before-joining": "The person had not joined the household yet.",
    "implausible-date": "The date is too long ago; years are Gregorian, not Buddhist.",
    "invalid-window": "The last day is before the first.",
    # What is named
    "one-identifier": "Exactly one of the identifiers must be given.",
    "unknown-household": "No household of yours has this identifier.",
    "unknown-person": "No person of yours has this id.",
    "unknown-member": "The person is no current member of the household.",
    "unknown-beneficiary": "A beneficiary is a current member of the household.",
    "unknown-problem": "No problem of the household, or of yours, has this id.",
    "unknown-assignment": "Your agency has no such assignment at the household.",
    "unknown-menu": "No menu that is enabled has this code.",
    "unknown-agency": "No agency that is enabled has this code.",
    "unknown-area": "No area has this code.",
    "unknown-indicator": "No indicator has this id.",
    "unknown-code": "The code is not on its list.",
    "unknown-kind": "No kind or category of agencies has this code.",
    "agency-exists": "The code is taken by another agency.",
    "campaign-exists": "The fiscal year has a campaign.",
    "repeated-id": "An id stands twice.",
    "nothing-changed": "The new version would say what the event says already.",
    "duplicate-result": "The same indicator and person stand twice.",
    "menu-exists": "The code is taken by another menu.",
    "target-refused": "Webhooks are sent to public HTTPS addresses, port 443 or 8443; the detail says what is wrong.",
    # The cells and rows of an import file, in its report
    "rounded-number": "The spreadsheet keeps fewer digits than the number has: format the column as text before typing.",
    "spreadsheet-error": "The cell holds an error of the spreadsheet, e.g. #REF!.",
    "formula-without-value": "The spreadsheet was saved without the value of the formula: open it, save it, send it again.",
    "became-a-date": "The spreadsheet has made a date of a house number: format the column as text.",
    "ambiguous-date": "The date can be read in two ways: write the year with four digits.",
    "incomplete-date": "The day or the month is 0: give the whole date, or none.",
    "ragged-row": "The row has more or fewer cells than the header.",
    "malformed-row": "The quotation marks of the row do not fit; it may have swallowed those after it.",
    "nested-value": "The values of an object are texts, numbers, true, false or null.",
    # An import file as a whole: nothing of it was applied
    "truncated-file": "The file ends in the middle of a row, a cell or a character: it was not uploaded whole.",
    "wrong-encoding": "The file is neither UTF-8, nor UTF-16 with a byte order mark, nor Thai in cp874 (TIS-620).",
    "missing-column": "The file lacks a column that its kind needs; see its template.",
    "unknown-column": "The file has a column that is none of ours: rename it, leave it out, or name a mapping.",
    "repeated-column": "Two columns of the file are the same one of ours.",
    "too-many-columns": "The file has more columns than any layout has.",
    "two-editions": "The file has indicators of two editions; send one file for each.",
    "line-too-long": "A row or a cell is longer than any may be: a quotation mark may not be closed.",
    "not-ndjson": "The first line is no JSON object; NDJSON has one object a line.",
    "not-a-spreadsheet": "The file is no xlsx spreadsheet, is damaged, or needs a password.",
    "spreadsheet-too-large": "The spreadsheet is larger than can be read at once: send csv.",
    "zip-bomb": "The spreadsheet unpacks to more than is plausible: send csv.",
    "unknown-mapping": "Files of this kind have no mapping of this name.",
    # Rules
    "outside-your-areas": "The area is not one of yours.",
    "country-and-areas": "Give [\"*\"] alone, or area codes.",
    "not-a-network": "An address or a CIDR block, without bits beyond its length.",
    "private-key": "A private key was sent: replace it, and register the public members of the new one.",
    "not-on-curve": "The coordinates are not those of a point on P-256.",
    "repeated-key": "Each key of a set has a kid of its own.",
    "agency-outside-area": "The unit does not act at the household's area.",
    "same-agency": "An escalation names another agency than the one assigned.",
    "other-household": "Everything named belongs to one household.",
    "other-dimension": "The indicator is of another dimension.",
    "not-of-this-dimension": "The indicator is of another edition or dimension.",
    "not-of-this-code": "The code names another kind or area.",
    "own-parent": "An agency is not its own parent.",
    "household-indicator": "The indicator is of the household as a whole, not of a person.",
    "not-a-closed-problem": "A recurrence names an earlier, closed problem of the same household.",
    "not-applicable": "The field does not go with this request.",
    "same-household": "A household is no duplicate of itself.",
    "close-outcome": "A closed case, and only a closed one, has an outcome.",
    "age-range": "A rule of age has a least or a greatest age, the least not above the greatest.",
}  # fmt: skip
