"""Rules about the source tree: checks.py CHECK SOURCE_FOLDER [MORE]. Prints each breach; exit 1 if there is one."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SOURCES = {".cpp", ".hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# Which module may include which foreign interface.
FOREIGN = {
    r"mpi\.h": {"mpi"},
    r"hdf5(_hl)?\.h|H5\w*\.h": {"hdf5"},
    r"boost/program_options.*": {"config"},
    r"zlib\.h": {"dataset"},
    r"nccl\.h": {"nccl"},
    r"cuda_runtime(_api)?\.h": {"cuda"},
}
TORCH = r"(torch|ATen|c10)/.*"


def modules(root):
    """Module names in the order of the table in src/CMakeLists.txt, and those that may use LibTorch."""
    text = (root / "src/CMakeLists.txt").read_text()
    plain = re.search(r"set\(UNROLL_MODULES ([\w ]+)\)", text).group(1).split()
    torch = re.search(r"list\(APPEND UNROLL_MODULES ([\w ]+)\)", text).group(1).split()
    return plain + torch + ["app"], set(torch)


def sources(root):
    """(module, path) of every source and public header."""
    for top in ("src", "include/unroll"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES:
                yield path.relative_to(root / top).parts[0], path


def includes(path):
    return [(kind, name) for kind, name in INCLUDE.findall(path.read_text())]


def check_includes(root):
    """A module includes public headers of modules above it only, and nobody else's private ones."""
    order, _ = modules(root)
    for module, path in sources(root):
        if module not in order:
            yield f"{path.relative_to(root)}: {module} is not in src/CMakeLists.txt"
            continue
        for kind, name in includes(path):
            parts = name.split("/")
            public = parts[0] == "unroll" and len(parts) > 2
            other = parts[1] if public else parts[0]
            if kind == '"' and other in order:
                if public and order.index(other) > order.index(module):
                    yield f"{path.relative_to(root)}: {module} includes {name}, which is below it"
                if not public and len(parts) > 1 and other != module:
                    yield f"{path.relative_to(root)}: {module} includes {name}, which is private"


def check_foreign(root):
    """Each foreign interface is included by one module; LibTorch by its modules and the worker's main."""
    _, torch = modules(root)
    for module, path in sources(root):
        for _, name in includes(path):
            for pattern, allowed in FOREIGN.items():
                if re.fullmatch(pattern, name) and module not in allowed:
                    yield f"{path.relative_to(root)}: includes {name}, which belongs to {', '.join(allowed)}"
            worker = module == "app" and path.name.startswith("worker")
            if re.fullmatch(TORCH, name) and module not in torch and not worker:
                yield f"{path.relative_to(root)}: includes {name}, and is to work without LibTorch"


def check_main_size(root):
    lines = len((root / "src/app/main.cpp").read_text().splitlines())
    if lines >= 80:
        yield f"src/app/main.cpp: {lines} lines; a main has fewer than 80"


def tracked(root):
    if shutil.which("git") is None:
        print("git is not installed: skipped")
        sys.exit(SKIPPED)
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode != 0:
        sys.exit(SKIPPED)
    return [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def check_paths(root):
    """No file names a folder of the machine that it was written on."""
    tops = "|".join(["home", "Users", "root", "work"])
    here = re.escape(str(root.resolve()))
    private = re.compile(r"(?<![\w.~/-])(/(" + tops + r")/\w+|" + here + r"\b)")
    for path in tracked(root):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if private.search(line):
                yield f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"


def check_format(root):
    """clang-format has nothing to change (version 14 and later agree on this style)."""
    tool = shutil.which("clang-format")
    if tool is None:
        print("clang-format is not installed: skipped")
        sys.exit(SKIPPED)
    paths = [str(path.relative_to(root)) for path in tracked(root) if path.suffix in SOURCES]
    bad = [path for path in paths
           if subprocess.run([tool, "--dry-run", "--Werror", path], capture_output=True, cwd=root,
                             check=False).returncode != 0]
    if bad:
        yield "clang-format would change some files; to do it: clang-format -i " + " ".join(bad)


def check_no_torch(_, program):
    """The program starts without LibTorch."""
    linked = subprocess.run(["ldd", program], capture_output=True, check=True, text=True).stdout
    for line in linked.splitlines():
        if re.search(r"torch|libc10|libmpi", line):
            yield f"{program} links {line.strip()}"


def mentions_toolkit(text):
    """The CUDA runtime of LibTorch's own wheels (.../nvidia/...) is none of the toolkit's."""
    found = re.findall(r"/usr/local/cuda[\w.-]*|\bnvcc\b|[^\s,:]*\blibcudart\S*|-lcuda\w*", text)
    return sorted({mention for mention in found if "/nvidia/" not in mention})


def check_toolkit(_, build):
    """No command of the build, and no file that it read, is of the CUDA toolkit."""
    build = pathlib.Path(build)
    read = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, check=True, text=True).stdout
    for name, text in [("build.ninja", (build / "build.ninja").read_text()), ("headers that were read", read),
                       ("compile_commands.json", (build / "compile_commands.json").read_text())]:
        for mention in mentions_toolkit(text):
            yield f"{name}: {mention}"


def compile_commands(build, root):
    entries = json.loads((build / "compile_commands.json").read_text())
    own = {entry["file"]: entry["command"] for entry in entries if entry["file"].startswith(str(root / "src"))}
    return {file: command.replace(str(build.resolve()), "BUILD") for file, command in own.items()}


def check_hidden_toolkit(root, build, cmake):
    """Configured where no CUDA toolkit can be found, the programs are built by the same commands as here."""
    build = pathlib.Path(build)
    cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.MULTILINE))
    kept = ["CMAKE_BUILD_TYPE", "UNROLL_WERROR", "UNROLL_SANITIZE", "UNROLL_WITH_TORCH", "UNROLL_TORCH"]
    path = [folder for folder in os.environ["PATH"].split(":") if not (pathlib.Path(folder) / "nvcc").exists()]
    env = {**os.environ, "PATH": ":".join(path), "CUDA_HOME": "/nowhere", "CUDA_PATH": "/nowhere"}
    env.pop("CUDACXX", None)
    with tempfile.TemporaryDirectory() as folder:
        other = pathlib.Path(folder).resolve()
        run = subprocess.run([cmake, "-S", str(root), "-B", str(other), "-G", "Ninja", "-DBUILD_TESTING=OFF",
                              *(f"-D{key}={cache[key]}" for key in kept if key in cache)],
                             capture_output=True, check=False, text=True, env=env)
        if run.returncode != 0:
            yield f"cmake failed with {run.returncode}: {run.stderr}"
            return
        here, hidden = compile_commands(build, root), compile_commands(other, root)
        for file in sorted(here.keys() | hidden.keys()):
            if here.get(file) != hidden.get(file):
                yield f"{file}: compiled by\n  {here.get(file)}\nhere, with the toolkit hidden by\n  {hidden.get(file)}"
        for mention in mentions_toolkit((other / "build.ninja").read_text()):
            yield f"build.ninja: {mention}"


def main():
    name, root, *rest = sys.argv[1:]
    breaches = list(globals()["check_" + name](pathlib.Path(root), *rest))
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
