"use strict";
/* The sample viewer.

   Addresses: #/samples?task=&group=&run=&status=&verdict=&a=&b=&q=&id=&of=&data=   (all optional)
     task     only this task
     group    key=value, e.g. type=human: only samples in that group
     run      a run's name: status and verdict are this run's; empty: any run's
     status   ok | unparsed | truncated | failed | error | missing
     verdict  right | wrong | loophole (official right, ours wrong) | missed (the reverse) |
              flips (a and b part) | a-only (a right, b wrong) | b-only (the reverse)
     a, b     names of the two runs that flips, a-only and b-only compare; empty: the first and the second
     q        text searched for in question, id and responses
     id       the sample that is open
     of       its task, where `task` does not say it
     data     the first 8 digits of its data's fingerprint, where runs saw different data */
