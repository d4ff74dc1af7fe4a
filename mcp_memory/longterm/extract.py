"""Find what is worth remembering in the turns of a conversation, by rules alone."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, NamedTuple

from mcp_memory.longterm.dates import DateSpan, resolve
from mcp_memory.longterm.extract_gate import judge
from mcp_memory.longterm.patterns import Kind
from mcp_memory.longterm.sentences import Sentence, split
from mcp_memory.records import Message, NewMemory, Strategy

@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    memory: NewMemory
    kind: Kind
    message_id: str
    sentence_index: int
    start: int
    end: int

_PHOTO = re.compile(r"\[photo:\s{0,3}[^\[\]]{1,400}\]")

def extract(messages, *, context=(), tz, strategy="discrete"):
    out=[]
    for m in messages:
        if m.role in("system","tool") or (m.role!="user" and not m.name): continue
        out.extend(_of(m,tz))
    return out

def _of(m,tz):
    pieces=[];at=0
    photos=[x.span() for x in _PHOTO.finditer(m.content)]
    body=m.content[:photos[0][0]] if photos else m.content
    sents=split(body)
    kept=[]
    for i,s in enumerate(sents):
        if s.block not in("prose","item"): continue
        f=judge(s.text,personal=bool(m.name),date=lambda:resolve(s.text,said_at=m.created_at,tz=tz))
        if f: kept.append((i,s.start,s.start+f.length,f))
    for a,b in photos:
        from mcp_memory.longterm.extract_gate import Finding
        kept.append((len(sents),a,b,Finding("event",0,None)))
    for i,a,b,f in kept:
        d=f.date if f.kind in("event","plan") and f.date and f.date.lead not in("since","until","till") else None
        yield Extracted(memory=NewMemory(text=m.content[a:b],memory_type="episodic" if d else "semantic",event_date=d.start if d else None,message_ids=(m.id,)),kind=f.kind,message_id=m.id,sentence_index=i,start=a,end=b)
