//! What keys do, as F1 shows it.

pub(super) const HELP: [&str; 18] = [
    "Up Down PgUp PgDn Home End   select a row",
    "Enter                        open it: a queue, a service, a task",
    "Esc Backspace                back",
    "Tab Right, Shift-Tab Left    the next view, the one before",
    "1 2 3                        queues, members, services",
    "F3 /                         search; F3 or n: the next one",
    "F4 \\                         filter: only rows with this text",
    "F6 < >                       sort by a column",
    "F5 I                         the other way round",
    "Space                        ask the server now",
    "F10 q                        quit",
    "",
    "OLDEST  how long the oldest ready task has waited",
    "LATE50 LATE99  how late tasks became ready: half, 1 of 100",
    "RUN50 RUN99    how long they ran",
    "IN/S OUT/S  put and done each second; TREND: done",
    "Red: dead tasks; tasks that were ready for a minute",
    "Yellow: paused, or tasks are ready and nobody takes one",
];
