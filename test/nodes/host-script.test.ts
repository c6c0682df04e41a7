import { expect } from "chai";
import fc from "fast-check";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  assignments,
  quote,
  readScript,
  renderProbe,
  renderRun,
  renderStep,
  withoutComments,
  type HostScript,
} from "../../nodes/host-script";
import { skipBecause } from "../support/skip";

const identity = { kind: "machine-id", value: "0123456789abcdef0123456789abcdef" } as const;
/** A step that goes on although it should refuse would wait for a job that nobody runs here. */
const bash = (text: string) =>
  spawnSync("bash", [], { input: text, encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" });

describe("host scripts", () => {
  let folder: string;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-script-"));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const step = (changes: Partial<HostScript> = {}): HostScript => ({
    name: "crds",
    source: "apply-crds.sh",
    libraries: ["crds-lib.sh"],
    variables: { URL: "https://example.org/crds.yaml", SHA256: "0".repeat(64), CRDS: ["a.example.org=v1"] },
    timeoutSeconds: 600,
    ...changes,
  });

  it("quote: any text arrives in bash as it was", () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 20 }), (values) => {
        const printed = bash(`printf '%s\\0' ${values.map(quote).join(" ")}`).stdout;
        expect(printed.split("\0").slice(0, -1)).to.deep.equal(values);
      }),
      { numRuns: 25 },
    );
  });

  it("assignments: a list becomes an array, and only names of ours are accepted", () => {
    const text = assignments({ NAME: "it's", LIST: ["a b", "$(false)"], COUNT: 3, ON: true });
    const printed = bash(`${text}\nprintf '%s|' "$NAME" "\${LIST[@]}" "$COUNT" "$ON"`).stdout;
    expect(printed).to.equal("it's|a b|$(false)|3|true|");
    expect(() => assignments({ "a; rm -rf /": "x" })).to.throw("not a name of a shell variable");
  });

  it("without its comments, every script is the same to bash", () => {
    // Bash prints a function as it has understood it.
    const understood = (text: string) => {
      const { status, stdout, stderr } = bash(`whole() {\n:\n${text}\n}\ndeclare -f whole`);
      expect([status, stderr]).to.deep.equal([0, ""]);
      return stdout;
    };
    const folder = path.join(__dirname, "../../nodes/scripts");
    const files = (fs.readdirSync(folder, { recursive: true }) as string[]).filter((file) => file.endsWith(".sh"));
    expect(files.length).to.be.greaterThan(20);
    for (const file of files) {
      const text = readScript(file);
      expect(understood(withoutComments(text)), file).to.equal(understood(text));
    }
  });

  it("a step, all that goes with it, and a probe arrive without comments", () => {
    const probe = { source: "apply-crds.probe.sh", libraries: ["crds-lib.sh"], variables: {} };
    const texts = [renderStep(step()), renderRun(step(), identity, ""), renderProbe(probe, identity)];
    for (const text of texts) {
      const comments = text.split("\n").filter((line) => /^\s*#(?! shellcheck )/.test(line));
      expect(comments.filter((line) => !/^# (homelab step crds|end of step)$/.test(line))).to.deep.equal([]);
    }
  });

  it("what stands in here-documents, and after a continued line, is no comment", () => {
    const kept = [
      "cat <<A <<\\B\n# of A\nA\n# of B\nB\n",
      "cat <<END\n  END\n# data\nEND\n",
      "cat <<'a-b'\n# data\na-b\n",
      'cat <<"a b"\n# data\na b\n',
      "echo a \\\n# b\n",
      "echo $((1 << 2)) 16 <<< x\n",
    ];
    for (const text of kept) {
      expect(withoutComments(text)).to.equal(text);
    }
  });

  it("what stands in a here-document is no comment", () => {
    const text =
      "# one\ncat <<'END'\n# two\nEND\n  # three\ncat <<-END\n\t# four\n\tEND\ncat <<<x # five\n# six\n#!/bin/sh\n";
    expect(withoutComments(text)).to.equal(
      "cat <<'END'\n# two\nEND\ncat <<-END\n\t# four\n\tEND\ncat <<<x # five\n#!/bin/sh\n",
    );
  });

  it("installs files byte for byte, and a second run changes nothing", () => {
    const target = path.join(folder, "etc", "example.conf");
    const content = "a 'quoted' \"line\"\n$HOME `date` \\n\nEOF\n";
    const script = step({ source: "lib.sh", files: [{ path: target, mode: "0600", content }] });
    const run = () => bash(`${renderStep(script)}\ninstall_files\n`);
    const first = run();
    expect(first.stderr).to.equal("");
    expect(first.stdout).to.equal(`changed: ${target}\n`);
    expect(fs.readFileSync(target, "utf8")).to.equal(content);
    expect((fs.statSync(target).mode & 0o7777).toString(8)).to.equal("600");
    const before = fs.statSync(target).mtimeMs;
    expect(run().stdout).to.equal("");
    expect(fs.statSync(target).mtimeMs).to.equal(before);
    fs.chmodSync(target, 0o644);
    expect(run().stdout, "a loosened mode is repaired").to.equal(`changed: ${target}\n`);
  });

  it("refuses a file whose text would end its own here-document", () => {
    const files = [{ path: "/etc/x", mode: "0644", content: "a\nHOMELAB_FILE_1\nrm -rf /\n" }] as const;
    expect(() => renderStep(step({ files }))).to.throw("/etc/x holds a line HOMELAB_FILE_1");
    expect(() => renderRun(step(), identity, "A='\nHOMELAB_STEP\n'")).to.throw("HOMELAB_STEP");
  });

  it("download: refuses other bytes than the pinned ones and leaves the old file", () => {
    const source = path.join(folder, "source");
    const target = path.join(folder, "target");
    fs.writeFileSync(source, "new");
    fs.writeFileSync(target, "old");
    const digest = createHash("sha256").update("new").digest("hex");
    const run = (sha256: string) =>
      bash(`${readScript("lib.sh")}\ndownload file://${source} ${sha256} ${target} 0755\n`);
    const refused = run("0".repeat(64));
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.contain(digest).and.to.contain("nothing was installed");
    expect(fs.readFileSync(target, "utf8")).to.equal("old");
    expect(run(digest).stdout).to.equal(`changed: ${target}\n`);
    expect(fs.readFileSync(target, "utf8")).to.equal("new");
    expect(run(digest).stdout, "a second run fetches nothing").to.equal("");
    expect(fs.readdirSync(folder).filter((name) => name.startsWith(".homelab"))).to.deep.equal([]);
  });

  describe("the runner", () => {
    const machineId = "/etc/machine-id";
    const runnerIdentity = () =>
      fs.existsSync(machineId)
        ? ({ kind: "machine-id", value: fs.readFileSync(machineId, "utf8").trim() } as const)
        : undefined;

    it("refuses another machine before anything is written", () => {
      const result = bash(renderRun(step(), identity, ""));
      expect(result.status).to.equal(77);
      expect(result.stderr).to.contain("This is another machine").and.to.contain("Nothing was written");
    });

    it("refuses a step that arrived only in part, wherever the connection broke", function () {
      const own = runnerIdentity();
      if (!own) {
        skipBecause(this, "this machine has no /etc/machine-id");
      }
      const whole = renderRun(step(), own, "");
      const runner = whole.indexOf("\nrun_job ");
      const end = whole.indexOf("# end of step");
      for (let cut = runner + 40; cut < end; cut += 211) {
        const result = bash(whole.slice(0, cut));
        expect(result.status, `cut at ${cut}`).to.be.oneOf([1, 75]);
        expect(result.stderr, `cut at ${cut}`).to.match(/arrived incomplete|unexpected|delimited/);
      }
    });

    it("shows secrets neither in the command line nor in the step's own text", () => {
      const text = renderRun(step({ secrets: ["TOKEN"] }), identity, assignments({ TOKEN: "s3cret" }));
      expect(text).to.contain("TOKEN='s3cret'");
      expect(renderStep(step({ secrets: ["TOKEN"] }))).not.to.contain("s3cret");
    });

    it("is sound bash by shellcheck", function () {
      if (spawnSync("shellcheck", ["--version"]).error) {
        skipBecause(this, "shellcheck is not installed");
      }
      const text = renderRun(step(), identity, "");
      execFileSync("shellcheck", ["-s", "bash", "-"], { input: text });
      execFileSync("shellcheck", ["-s", "bash", "-"], { input: renderStep(step()) });
    });
  });
});
