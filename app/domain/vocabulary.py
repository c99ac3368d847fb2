"""The closed vocabularies of the domain: every word that a request, an answer or a stored case may hold."""

from enum import StrEnum
from typing import Self


class State(StrEnum):
    """Where a suggestion stands in the decision layer. What leads out of each state is said by the acts."""

    SUBMITTED = "submitted"  # received, receipt given; a named human owes an acknowledgement
    HELD = "held"  # someone may be at risk; visible with the scope `safeguard` only, until cleared or redirected
    REDIRECTED = "redirected"  # an end: handed over to another procedure
    ACKNOWLEDGED = "acknowledged"  # a named human has written to the author
    NEEDS_INFORMATION = "needs_information"  # one open question to the author; the decision clock is paused
    UNDER_REVIEW = "under_review"  # a panel is deliberating
    DELIVERING = "delivering"  # decided yes; `progress` says how far
    DEFERRED = "deferred"  # comes back by itself on its date
    DECIDED = "decided"  # answered, nothing to deliver; waits until the author was told
    MERGED = "merged"  # lives on in another suggestion
    WITHDRAWN = "withdrawn"  # an end: taken back by its author
    CLOSED = "closed"  # by rule: answered, outcome known, author told


class Progress(StrEnum):
    """How far a yes has been delivered, as the reports say. None before a yes and before the first report."""

    PLANNED = "planned"
    TRIALLING = "trialling"
    TRIAL_DONE = "trial_done"
    PARTLY_IMPLEMENTED = "partly_implemented"
    IMPLEMENTED = "implemented"
    PAUSED = "paused"
    STOPPED = "stopped"
    CONFLICT = "conflict"


class Hidden(StrEnum):
    """Why a suggestion is visible with the scope `safeguard` only."""

    HELD = "held"
    REDIRECTED = "redirected"


class Scope(StrEnum):
    """What an API key may do. Each is enough for its operations and implies no other."""

    RAISE = "raise"
    READ = "read"
    REVIEW = "review"
    DECIDE = "decide"
    REPORT = "report"
    SAFEGUARD = "safeguard"
    IDENTITY = "identity"
    MEASURE = "measure"
    WEBHOOKS = "webhooks"
    ADMIN = "admin"


class Group(StrEnum):
    """The voice group that a person speaks for in one act. `manager` and `system_leader` are kept apart."""

    CARE_WORKER = "care_worker"
    MANAGER = "manager"
    SYSTEM_LEADER = "system_leader"
    LIVED_EXPERIENCE = "lived_experience"
    UNPAID_CARER = "unpaid_carer"
    FAMILY_OR_FRIEND = "family_or_friend"
    OTHER_PROFESSIONAL = "other_professional"


class Anonymity(StrEnum):
    """What is kept and shown of an author."""

    NAMED = "named"
    CONFIDENTIAL = "confidential"
    ANONYMOUS = "anonymous"


class OrganisationKind(StrEnum):
    """What an organisation is: it decides which rules of decision power hold."""

    PROVIDER = "provider"
    COUNCIL = "council"
    INDIVIDUAL_EMPLOYER_SUPPORT = "individual_employer_support"


class Nation(StrEnum):
    """Whose bank holidays count."""

    ENGLAND_WALES = "england_wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern_ireland"


class Lens(StrEnum):
    """The kind of value that an author sees in a suggestion."""

    FRESH_INSIGHT = "fresh_insight"
    FAIR_COLLABORATION = "fair_collaboration"
    WHAT_MATTERS_MOST = "what_matters_most"
    RESULTS_AND_SAVINGS = "results_and_savings"
    PERSON_CENTRED_PRACTICE = "person_centred_practice"
    STRUCTURE = "structure"
    COLLABORATION = "collaboration"


class Outcome(StrEnum):
    """What a decision can be. Each member says whether it is a yes, what it must carry and which state it enters."""

    is_yes: bool
    needs: tuple[str, ...]
    enters: State

    def __new__(cls, value: str, enters: State, *needs: str) -> Self:
        """Makes the member `value`; a yes is what enters `delivering`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.enters = enters
        member.needs = needs
        member.is_yes = enters is State.DELIVERING
        return member

    ADOPT = ("adopt", State.DELIVERING, "commitment")
    ADAPT = ("adapt", State.DELIVERING, "reasons", "commitment")
    TRIAL = ("trial", State.DELIVERING, "commitment")
    DEFER = ("defer", State.DEFERRED, "reasons", "revisit_on")
    DECLINE = ("decline", State.DECIDED, "reasons")
    ALREADY_IN_PLACE = ("already_in_place", State.DECIDED, "reasons")
    REFER_ON = ("refer_on", State.DECIDED, "reasons", "refer_to")

    @property
    def is_quick(self) -> bool:
        """Whether the steward alone may give it, without a panel."""
        return self in (Outcome.ADOPT, Outcome.TRIAL)


class Reason(StrEnum):
    """Why a decision is not a plain yes."""

    UNSAFE = "unsafe"
    LEGAL_OR_REGULATORY = "legal_or_regulatory"
    NO_FUNDING = "no_funding"
    NO_CAPACITY = "no_capacity"
    NOT_FEASIBLE = "not_feasible"
    CONFLICTS_WITH_PERSONS_WISHES = "conflicts_with_persons_wishes"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
    LOW_BENEFIT = "low_benefit"
    OUT_OF_OUR_CONTROL = "out_of_our_control"
    BETTER_ALTERNATIVE = "better_alternative"
    ALREADY_PLANNED = "already_planned"
    TIMING = "timing"
    CONFIDENTIAL_REASON = "confidential_reason"


class ParticipationLevel(StrEnum):
    """How far people were involved, by the ladder of co-production (Think Local Act Personal)."""

    INFORMING = "informing"
    CONSULTATION = "consultation"
    ENGAGEMENT = "engagement"
    CO_DESIGN = "co_design"
    CO_PRODUCTION = "co_production"


class Choice(StrEnum):
    """A vote. An abstention counts as a vote cast."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class FeedbackMode(StrEnum):
    """What a message to an author is for (Benn et al., BMJ Quality & Safety 2009)."""

    BOUNCE_BACK = "A"
    RAPID_RESPONSE = "B"
    RAISE_AWARENESS = "C"
    INFORM_OF_ACTION = "D"
    IMPROVE_AND_EVALUATE = "E"


class Route(StrEnum):
    """The procedure to which a suggestion is held for or handed over."""

    SAFEGUARDING = "safeguarding"
    SPEAK_UP = "speak_up"
    COMPLAINT = "complaint"
    HR = "hr"
    RIDDOR = "riddor"
    DATA_PROTECTION = "data_protection"


class Channel(StrEnum):
    """How an author was told outside the receipt view."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    TEXT_MESSAGE = "text_message"
    EMAIL = "email"
    LETTER = "letter"
    MEETING = "meeting"
    APP = "app"


class Seen(StrEnum):
    """What the front line sees of a claim."""

    SEEN = "seen"
    PARTLY = "partly"
    NOT_SEEN = "not_seen"


class Happened(StrEnum):
    """The author's answer to "did it happen"."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class SupportKind(StrEnum):
    """Practical support for an author."""

    INTERPRETER = "interpreter"
    EASY_READ = "easy_read"
    MENTOR = "mentor"
    DEVICE = "device"
    TRAVEL = "travel"
    SHIFT_COVER = "shift_cover"
    BENEFITS_ADVICE = "benefits_advice"
    OTHER = "other"


class SupportResult(StrEnum):
    """What became of a request for support."""

    GRANTED = "granted"
    REFUSED = "refused"


class TimeKind(StrEnum):
    """Protected time: offered, on the rota, used."""

    OFFERED = "offered"
    ROSTERED = "rostered"
    USED = "used"


class JobRoleSystem(StrEnum):
    """Whose code a job role is: Skills for Care's workplace data set, or the caller's own."""

    ASC_WDS = "asc_wds"
    OWN = "own"


class BenefitType(StrEnum):
    """What kind of benefit was measured. Money and time are never added together."""

    CASH_RELEASING = "cash_releasing"
    NON_CASH_TIME = "non_cash_time"
    COST_AVOIDANCE = "cost_avoidance"
    QUALITY_OF_LIFE = "quality_of_life"
    SAFETY = "safety"
    STAFF_WELLBEING = "staff_wellbeing"
    FAIRNESS = "fairness"
    RELATIONSHIPS = "relationships"


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    DOCUMENT = "document"
    PHOTO = "photo"
    POLICY_CHANGE = "policy_change"
    ROTA_CHANGE = "rota_change"
    TRAINING_RECORD = "training_record"
    PURCHASE = "purchase"
    AUDIT = "audit"
    SURVEY = "survey"
    METRIC_SERIES = "metric_series"
    FRONTLINE_CONFIRMATION = "frontline_confirmation"
    LIVED_EXPERIENCE_STATEMENT = "lived_experience_statement"
    LINK = "link"


class Period(StrEnum):
    """The time to which a measured benefit refers."""

    ONCE = "once"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class NextStep(StrEnum):
    """What follows a trial's result."""

    ADOPT = "adopt"
    ADAPT = "adapt"
    EXTEND = "extend"
    STOP = "stop"


class TrialOutcome(StrEnum):
    """How a trial went."""

    WORKED = "worked"
    MIXED = "mixed"
    DID_NOT_WORK = "did_not_work"


class StillInUse(StrEnum):
    """What a check some time after says."""

    YES = "yes"
    NO = "no"
    CHANGED = "changed"


class ReportStatus(StrEnum):
    """What became of an outcome report. The contract calls this member `status`."""

    APPLIED = "applied"  # it changed progress, benefits or links
    RECORDED = "recorded"  # history: before a yes, held, or without effect
    QUARANTINED = "quarantined"  # kept and listed, outside the suggestion
    CONFLICT = "conflict"  # another source says otherwise
    REJECTED = "rejected"  # dismissed, or a second body under a used webhook id


class QuarantineReason(StrEnum):
    """Why a true report does not stand on a suggestion."""

    UNKNOWN_SUGGESTION = "unknown_suggestion"
    UNKNOWN_REPORT = "unknown_report"
    AMBIGUOUS_SUGGESTION = "ambiguous_suggestion"
    NOT_ENTITLED = "not_entitled"
    UNKNOWN_TYPE = "unknown_type"
    INCOMPLETE = "incomplete"
    MAPPING_FAILED = "mapping_failed"
    IN_THE_FUTURE = "in_the_future"
    TOO_OLD = "too_old"
    CONTRADICTION = "contradiction"
    REPORT_ID_REUSED = "report_id_reused"
    PERSONAL_DATA = "personal_data"
    INTERNAL_ERROR = "internal_error"
