#!/usr/bin/env python3
"""Lists what recordings of agents touched, each with its classes, for review and for tests/data/classes/sessions.txt.

usage: touched.py AGENTSNOOP RECORDING...

One line for each: what it is, its classes, the thing itself, divided by tabs. Particulars are made the same: the run's
folder, the user, process ids, times, random names. Of things in one folder with the same classes only the first few
are listed, so that a search through a tree is not listed whole.
"""
import collections
import json
import re
import subprocess
import sys

FEW = 4
# Where whoever makes the list keeps the bench and the recordings.
OWN = sys.argv[2].rsplit("/", 1)[0], __file__.rsplit("/", 3)[0]
ONE_PATH = ("open", "stat", "readlink", "unlink", "mkdir", "chmod", "chown", "truncate")


def alike(path, pid):
    """The path without particulars of the machine and the run."""
    path = re.sub(rf"^/proc/{pid}(?=/|$)", "/proc/self", path)
    path = re.sub(r"^/proc/\d+", "/proc/1000", path)
    path = re.sub(r"/home/agentbench/run-[a-z]+-\d+", "/home/u/run", path)
    path = re.sub(r"/home/agentbench", "/home/u", path)
    path = re.sub(r"/opt/agentbench", "/opt/agents", path)
    path = re.sub(r"-home-agentbench-run-[a-z]+-\d+", "-home-u-run", path)
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}", "0000abcd-uuid", path)
    path = re.sub(r"(?<![a-z])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}", "0123abcd", path)
    path = re.sub(r"\d{3,}", "1000", path)
    return re.sub(r"(codex-arg0|plugins-clone-|git-|\.tmp|snapshot-bash-1000-)[A-Za-z0-9]{6}\b", r"\g<1>AbCdEf", path)


def things(record):
    """What a record touches: the sort, and the thing."""
    kind = record["kind"]
    body = record.get(kind) or {}
    pid = (record.get("process") or {}).get("pid")
    if kind in ONE_PATH and body.get("path"):
        yield "path", alike(body["path"], pid)
    elif kind == "dns" and body.get("question"):
        yield "name", body["question"].lower()
    elif kind in ("connect", "traffic"):
        if body.get("path"):
            yield "socket", alike(body["path"], pid)
    elif kind == "getenv" and body.get("name"):
        yield "variable", body["name"]


def main():
    seen = {}
    for recording in sys.argv[2:]:
        command = [sys.argv[1], "query", recording, "--json", "--no-index"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as query:
            for line in query.stdout:
                record = json.loads(line)
                for sort, thing in things(record):
                    if "[masked" in thing or any(thing.startswith(place) for place in OWN) or not thing.isprintable():
                        continue
                    seen[sort, thing] = " ".join(record.get("classes", ()))
    listed = collections.Counter()
    for (sort, thing), classes in sorted(seen.items()):
        folder = thing.rsplit("/", 1)[0] if sort == "path" else ""
        if re.match(r"/(usr|proc|sys|opt|lib|etc/ssl)\b", folder) or "/.codex/skills/" in folder or "/.git/" in folder:
            folder = "/".join(folder.split("/")[:3])
        listed[folder, classes] += 1
        if sort != "path" or listed[folder, classes] <= FEW:
            print(sort, classes or "-", thing, sep="\t")


main()
