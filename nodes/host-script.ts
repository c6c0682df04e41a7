import * as fs from "node:fs";
import * as path from "node:path";
import type { Identity } from "../config/homelab";

/** Value of a shell variable; a list becomes a bash array. */
export type ShellValue = string | number | boolean | readonly string[];

/** A file that a step installs, root-owned and only if it differs. */
export interface HostFile {
  /** Absolute path on the machine. */
  path: string;
  /** Octal, four digits. */
  mode: "0600" | "0644" | "0700" | "0755";
  /** The text, or the name of the secret that holds it. */
  content: string | { secret: string };
}

/**
 * One step on one machine, as plain data: what a reviewer reads in the plan and what the machine executes.
 * `source` is a file below nodes/scripts; it is bash, uses the functions of lib.sh, and is idempotent.
 */
export interface HostScript {
  /** Kebab-case name of the step; also of its systemd unit and its log on the machine. */
  name: string;
  /** File below nodes/scripts, with its ending. */
  source: string;
  /** Further files below nodes/scripts whose functions the script uses; put before it, in this order. */
  libraries?: readonly string[];
  variables?: Readonly<Record<string, ShellValue>>;
  /** Installed where the script calls `install_files`. */
  files?: readonly HostFile[];
  /** Names of secrets that arrive as shell variables; their values are handed over beside the text. */
  secrets?: readonly string[];
  /** The step is ended after this time. */
  timeoutSeconds: number;
}

/** A probe prints one JSON object of facts, text to text; it only reads. */
export interface HostProbe {
  /** File below nodes/scripts, with its ending. */
  source: string;
  /** As in HostScript. */
  libraries?: readonly string[];
  variables?: Readonly<Record<string, ShellValue>>;
}

const scriptFolder = path.join(__dirname, "scripts");
const texts = new Map<string, string>();
const codes = new Map<string, string>();

/** The text of a file below nodes/scripts. */
export function readScript(source: string): string {
  return remembered(texts, source, () => fs.readFileSync(path.join(scriptFolder, source), "utf8").trimEnd());
}

/** Starts of a line's here-documents: `<<` or `<<-`, and the word, quoted or not; never `<<<`. */
const HERE_DOCUMENTS = /(?<!<)<<(?!<)(-?)\s*\\?(?:'([^']+)'|"([^"]+)"|([A-Za-z_][^\s'"|;&<>()]*))/g;

/**
 * A script as machines get it, without the lines that are nothing but a comment: who edits one would run the step anew on
 * every machine, and each step's text stands twice in the state. Here-documents stay as they are, and so does what
 * shellcheck is told. Texts in quotes over several lines are not understood: none of ours has a line that begins with #, and
 * a test asks bash whether each script is still the same.
 */
export function withoutComments(text: string): string {
  const open: { word: string; tabs: boolean }[] = [];
  let continued = false;
  const kept = text.split("\n").filter((line) => {
    if (open.length > 0) {
      const [{ word, tabs }] = open;
      if ((tabs ? line.replace(/^\t+/, "") : line) === word) {
        open.shift();
      }
      return true;
    }
    const comment = /^\s*#(?!!| shellcheck )/.test(line) && !continued;
    if (!comment) {
      continued = line.endsWith("\\");
      for (const [, dash, ...words] of line.matchAll(HERE_DOCUMENTS)) {
        open.push({ word: words.find((word) => word !== undefined)!, tabs: dash === "-" });
      }
    }
    return !comment;
  });
  return kept.join("\n");
}

/** What a machine needs of a file below nodes/scripts. */
export function readCode(source: string): string {
  return remembered(codes, source, () => withoutComments(readScript(source)));
}

/** Every step has the library, and there are some hundred. */
function remembered(known: Map<string, string>, source: string, make: () => string): string {
  const text = known.get(source) ?? make();
  known.set(source, text);
  return text;
}

/** One shell word that stands for exactly this text. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Assignments of shell variables, in the order given. */
export function assignments(variables: Readonly<Record<string, ShellValue>>): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
        throw new Error(`not a name of a shell variable of ours: ${name}`);
      }
      return Array.isArray(value)
        ? `${name}=(${value.map((item) => quote(String(item))).join(" ")})`
        : `${name}=${quote(String(value))}`;
    })
    .join("\n");
}

/** The step's own text, without secrets: library, variables, files, then the script. */
export function renderStep(script: HostScript): string {
  return [
    `# homelab step ${script.name}`,
    readCode("lib.sh"),
    assignments(script.variables ?? {}),
    renderFiles(script.files ?? []),
    ...(script.libraries ?? []).map(readCode),
    readCode(script.source),
    "# end of step",
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Everything that goes to `bash` on the machine: runner, identity check, and the step in a here-document. */
export function renderRun(script: HostScript, identity: Identity, secretAssignments: string): string {
  const body = renderStep(script);
  const delimiter = "HOMELAB_STEP";
  if (new RegExp(`^${delimiter}$`, "m").test(`${secretAssignments}\n${body}`)) {
    throw new Error(`step ${script.name} holds a line ${delimiter}, which ends the here-document`);
  }
  return [
    "set -euo pipefail",
    readCode("identity.sh"),
    readCode("run-job.sh"),
    `require_identity ${quote(identity.kind)} ${quote(identity.value)}`,
    `run_job ${quote(script.name)} ${script.timeoutSeconds} <<'${delimiter}'`,
    ...(secretAssignments === "" ? [] : [secretAssignments]),
    body,
    delimiter,
    "",
  ].join("\n");
}

/** A probe's text; it runs directly, because it is short and must not write. */
export function renderProbe(probe: HostProbe, identity: Identity): string {
  return [
    "set -euo pipefail",
    readCode("identity.sh"),
    readCode("probe-lib.sh"),
    `require_identity ${quote(identity.kind)} ${quote(identity.value)}`,
    assignments(probe.variables ?? {}),
    ...(probe.libraries ?? []).map(readCode),
    readCode(probe.source),
    "print_facts",
    "",
  ].join("\n\n");
}

function renderFiles(files: readonly HostFile[]): string {
  if (files.length === 0) {
    return "";
  }
  const parts = files.map((file, index) => {
    const target = `${quote(file.path)} ${file.mode}`;
    if (typeof file.content !== "string") {
      return `  printf '%s\\n' "$${file.content.secret}" | install_file ${target}`;
    }
    const delimiter = `HOMELAB_FILE_${index + 1}`;
    const content = file.content.endsWith("\n") ? file.content : `${file.content}\n`;
    if (content.includes(`\n${delimiter}\n`) || content.startsWith(`${delimiter}\n`)) {
      throw new Error(`${file.path} holds a line ${delimiter}, which ends the here-document`);
    }
    return `  install_file ${target} <<'${delimiter}'\n${content}${delimiter}`;
  });
  return `install_files() {\n${parts.join("\n")}\n}`;
}
