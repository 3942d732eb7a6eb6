"""The section of figures in README.md, made from JSON files that bench.py wrote."""
import json

from harness import number

BEGIN, END = "<!-- figures: made by jobs/bench.sh --figures FILE.json... -->", "<!-- end of figures -->"


def spread(summary):
    if summary is None:
        return ""
    return f"{number(summary['median'])} [{number(summary['min'])}, {number(summary['max'])}]"


def machine(record):
    changed = f" with {record['uncommitted_files']} changed files" if record["uncommitted_files"] else ""
    return (f"{record['cpu']} ({record['cores']} cores, {record['instruction_set']}), {record['memory_gib']} GiB, "
            f"{record['system']}, torch {record['torch']}; {record['date']}, commit {record['commit']}{changed}, load "
            f"average before {record['load_average']:.1f}; `{record['command']}`")


def beside(details):
    """What a row says beside its ratio."""
    words = []
    if "roofline" in details:
        roof = details["roofline"]
        floor = max(roof["floor_us_by_flops"], roof["floor_us_by_bytes"])
        words.append(f"{number(roof['us_per_step'])} us a model step, floor {number(floor)} us: "
                     f"{100 * roof['share_reached']:.0f} % of the roofline")
    if "peak_mib" in details:
        words.append("peak memory {ours:.0f} MiB, theirs {theirs:.0f} MiB".format(**details["peak_mib"]))
    if "ratio_if_sigma_is_measured_at_every_grid_point" in details:
        each = details["ratio_if_sigma_is_measured_at_every_grid_point"]
        words.append(f"{number(each['median'])} if the procedure measures sigma at every grid point")
    if "ratio_to_lists" in details:
        words.append(f"{number(details['ratio_to_lists'])} against lists")
    if "speedup" in details:
        words.append(f"{number(details['speedup'])} times one rank")
    return "; ".join(words)


def rows_of(record):
    for result in record["results"]:
        target = f"{result['target']}: {'met' if result['target_met'] else '**missed**'}" if result["target"] else ""
        yield " | ".join(["", f"`{result['name']}`", result["unit"], spread(result["ours_summary"]),
                          spread(result["theirs_summary"]), spread(result["ratio_summary"]), target,
                          beside(result["details"]), ""]).strip()


def rooflines(record):
    known = [result["details"]["roofline"] for result in record["results"] if "roofline" in result["details"]]
    if known:
        roof = known[0]
        yield (f"One core: {roof['flops_per_s'] / 1e9:.0f} Gflop/s of fused multiply-adds (float32, "
               f"{roof['vector_bits']}-bit vectors); triad {roof['l2_bytes_per_s'] / 1e9:.0f} GB/s in L2, "
               f"{roof['l3_bytes_per_s'] / 1e9:.0f} in L3, {roof['memory_bytes_per_s'] / 1e9:.0f} from memory.")


def section(records):
    lines = []
    for record in records:
        lines += [machine(record), "", *rooflines(record), "",
                  "| benchmark | unit | ours | theirs | ratio | target | |",
                  "| --- | --- | --- | --- | --- | --- | --- |", *rows_of(record), ""]
    return "\n".join(lines)


def write(readme, files):
    """Replaces the section between the two marks."""
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if any(record["smoke"] for record in records):
        raise SystemExit("jobs/bench.sh: a smoke run makes no claims: no figures from it")
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{section(records)}{END}{after}", encoding="utf-8")
