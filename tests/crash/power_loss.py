"""What a disk may hold after the power went out at some moment of a recorded run.

Only two things are promised by a file system: fsync of a file keeps the bytes that it had, under whatever names it has;
fsync of a folder keeps the names in it that were made, replaced or removed before. All else may be there, in part, or not:
bytes of a file that was not synced since (gone, zeros, a part, all), each change of names in a folder that was not synced
since, and a folder whose own name in its parent was not synced takes all in it away. No file system is as bad as all of
that; none may be relied on to be better."""
import hashlib
import itertools
import os
import posixpath
import random
import re
from dataclasses import dataclass, field

CREATE, EXCLUSIVE, TRUNCATE, APPEND = os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_APPEND
RECORD = re.compile(rb"^(shard|stage|weights) (\S+) (\d+) ([0-9a-f]{64}) \S+ [0-9a-f]{8}$", re.MULTILINE)


@dataclass(eq=False)
class File:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    is_dirty: bool = False

    def kept(self, policy):
        if not self.is_dirty or policy == "all":
            return bytes(self.data)
        if policy == "lost":
            return self.synced
        common = len(os.path.commonprefix([self.synced, bytes(self.data)]))
        if policy == "zeros":  # the size got there, the bytes did not
            return bytes(self.data[:common]) + bytes(len(self.data) - common)
        return bytes(self.data[:common + (len(self.data) - common) // 2])  # "part"


@dataclass(eq=False)
class Folder:
    now: dict = field(default_factory=dict)  # name -> File or Folder
    synced: dict = field(default_factory=dict)
    pending: list = field(default_factory=list)  # [{name: what or None}]: each is there as a whole or not

    def change(self, names):
        self.pending.append(names)
        self.apply(self.now, names)

    @staticmethod
    def apply(entries, names):
        for name, what in names.items():
            if what is None:
                entries.pop(name, None)
            else:
                entries[name] = what

    def sync(self):
        self.synced, self.pending = dict(self.now), []

    def kept(self, choose):
        entries = dict(self.synced)
        for names in self.pending:
            if choose():
                self.apply(entries, names)
        return entries


class Disk:
    """The recorded folder `root`; its parent is synced, the name of `root` in it need not be."""

    def __init__(self, root):
        self.root, self.top = root, Folder()
        self.open = {}  # (process, descriptor) -> [path, File or Folder, offset, append]
        self.promised = {}  # journal path -> {(kind, name): sha256}

    def find(self, path):
        parts = [part for part in posixpath.relpath(path, posixpath.dirname(self.root)).split("/") if part != "."]
        at = self.top
        for part in parts:
            at = at.now[part]
        return at

    def parent(self, path):
        return self.find(posixpath.dirname(path)), posixpath.basename(path)

    def do(self, operation):
        """One recorded operation; those that failed changed nothing."""
        if operation["result"] >= 0:
            getattr(self, "do_" + operation["name"])(operation)

    def do_open(self, operation):
        folder, name = self.parent(operation["path"])
        if name not in folder.now:
            folder.change({name: File()})
        file = folder.now[name]
        if operation["flags"] & TRUNCATE and file.data:
            file.data, file.is_dirty = bytearray(), True
        key = (operation["process"], operation["result"])
        self.open[key] = [file, 0, bool(operation["flags"] & APPEND)]

    def do_write(self, operation):
        handle = self.open[operation["process"], operation["descriptor"]]
        file, offset, appends = handle
        offset = len(file.data) if appends else offset
        file.data[offset:offset + len(operation["bytes"])] = operation["bytes"]
        file.is_dirty, handle[1] = True, offset + len(operation["bytes"])

    def do_pwrite(self, operation):
        file, offset = self.open[operation["process"], operation["descriptor"]][0], operation["flags"]
        file.data.extend(bytes(max(0, offset - len(file.data))))
        file.data[offset:offset + len(operation["bytes"])] = operation["bytes"]
        file.is_dirty = True

    def do_fsync(self, operation):
        what = self.find(operation["path"]) if operation["path"] != posixpath.dirname(self.root) else self.top
        if isinstance(what, Folder):
            return what.sync()
        file = self.open[operation["process"], operation["descriptor"]][0]
        file.synced, file.is_dirty = bytes(file.data), False
        if operation["path"].startswith(self.root + "/journal/"):
            self.promised[operation["path"]] = {(kind.decode(), name.decode()): sha.decode()
                                                for kind, name, _, sha in RECORD.findall(file.synced)}

    do_fdatasync = do_fsync

    def do_ftruncate(self, operation):
        file = self.open[operation["process"], operation["descriptor"]][0]
        size = operation["flags"]
        file.data = bytearray(bytes(file.data[:size]).ljust(size, b"\0"))
        file.is_dirty = True

    def do_rename(self, operation):
        source, old = self.parent(operation["path"])
        target, new = self.parent(operation["second"])
        what = source.now[old]
        if source is target:
            source.change({new: what, old: None})
        else:
            target.change({new: what})
            source.change({old: None})

    def do_mkdir(self, operation):
        folder, name = self.parent(operation["path"])
        folder.change({name: Folder()})

    def do_unlink(self, operation):
        folder, name = self.parent(operation["path"])
        folder.change({name: None})

    do_rmdir = do_unlink

    def image(self, content, choose):
        """{relative path: bytes, or None for a folder} as it may be found; choose() says of each change of names."""
        found = {}

        def walk(folder, prefix):
            for name, what in folder.kept(choose).items():
                if isinstance(what, Folder):
                    found[prefix + name] = None
                    walk(what, prefix + name + "/")
                else:
                    found[prefix + name] = what.kept(content)
        walk(self.top, "")
        root = posixpath.basename(self.root)
        return {posixpath.relpath(path, root): data for path, data in found.items()
                if path.startswith(root + "/")}

    def images(self, seed, num_random=3):
        """Different images of this moment: every policy for bytes with no, all, only the last and random changes of
        names."""
        chance = random.Random(seed)
        names = [lambda: False, lambda: True, *([lambda: chance.random() < 0.5] * num_random)]
        seen = set()
        for content, choose in itertools.product(("lost", "zeros", "part", "all"), names):
            image = self.image(content, choose)
            key = fingerprint(image)
            if key not in seen:
                seen.add(key)
                yield content, image


def fingerprint(image):
    digest = hashlib.sha256()
    for path in sorted(image):
        data = image[path]
        digest.update(path.encode() + b"\0" + (b"-" if data is None else hashlib.sha256(data).digest()))
    return digest.hexdigest()


def materialise(image, folder):
    """Writes an image into an empty folder."""
    folder.mkdir()
    for path in sorted(image):
        if image[path] is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(image[path])


def broken_promises(promised, image):
    """What journals promised and an image has not: a record, or the bytes that it names. Kept weights may have been
    removed since."""
    folders = {"shard": "shards/{}", "stage": "stages/{}.h5"}
    for journal, records in promised.items():
        text = image.get("journal/" + posixpath.basename(journal)) or b""
        there = {(kind.decode(), name.decode()) for kind, name, _, _ in RECORD.findall(text)}
        for (kind, name), sha in records.items():
            if (kind, name) not in there:
                yield f"{journal} lost its record of {kind} {name}"
            if kind in folders:
                data = image.get(folders[kind].format(name))
                if data is None or hashlib.sha256(data).hexdigest() != sha:
                    yield f"{kind} {name} is not what {journal} says"
