import * as fs from "node:fs";
import * as path from "node:path";
import { LineCounter, parseDocument, type Document } from "yaml";
import { ConfigError, show } from "./issues";
import { isPlain } from "./plain";
import { ENCRYPTED } from "./placeholders";

/** Namespace of the program's own keys: the project's name in Pulumi.yaml. */
const NAMESPACE = "homelab:";

/**
 * Reads a stack file without the Pulumi CLI: the values of this project by key, without the namespace. Keys of other
 * namespaces (providers read those) are left out. Encrypted values cannot be decrypted here; `[encrypted]` stands for
 * each of them.
 *
 * @throws ConfigError if there is no such file, or it is not a stack file; with line and column where there are any.
 */
export function readStackFile(file: string): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(read(file), { prettyErrors: false, lineCounter: lines });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ pos: [start], message }) => {
        const { line, col } = lines.linePos(start);
        return {
          path: `${path.basename(file)}, line ${line}, column ${col}`,
          // The parser quotes what it stumbled over, which could be a secret.
          found: message.replace(/: ".*$/s, ""),
          allowed: "YAML",
          fix: "correct the line; it is often the indentation, a tab or an unclosed quote a little above",
        };
      }),
    );
  }
  const content = toData(document, path.basename(file));
  const config = isPlain(content) ? content.config : undefined;
  if (!isPlain(config)) {
    throw new ConfigError([
      {
        path: path.basename(file),
        found: isPlain(content) ? `config: ${show(config)}` : "no keys",
        allowed: "a key config with the values of the stack below it",
        fix: "compare it with Pulumi.home.yaml",
      },
    ]);
  }
  const own = Object.entries(config).filter(([key]) => key.startsWith(NAMESPACE));
  const whole = own.filter(([, value]) => isEncrypted(value));
  if (whole.length > 0) {
    throw new ConfigError(
      whole.map(([key]) => ({
        path: key.slice(NAMESPACE.length),
        found: "a section that is encrypted as a whole",
        allowed: "single encrypted values below the section",
        fix: `set them one by one: pulumi config set --secret --path '${key}.<key>'`,
      })),
    );
  }
  return Object.fromEntries(own.map(([key, value]) => [key.slice(NAMESPACE.length), masked(value)]));
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    const stacks = stackNames(path.dirname(file));
    throw new ConfigError([
      {
        path: path.basename(file),
        found: (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : String(error),
        allowed: stacks.length > 0 ? `one of the stacks here: ${stacks.join(", ")}` : "a stack file, and there is none",
        fix: "name one of them, or make a copy of Pulumi.home.yaml under the new stack's name",
      },
    ]);
  }
}

/** The document as plain data. An alias without an anchor is noticed only here: a value that begins with a star. */
function toData(document: Document, name: string): unknown {
  try {
    return document.toJS() as unknown;
  } catch {
    throw new ConfigError([
      {
        path: name,
        found: "a value that begins with * and is not in quotes",
        allowed: "YAML",
        fix: "put values that begin with *, & or ! into quotes",
      },
    ]);
  }
}

/** Names of the stacks that have a file in a folder, in alphabetical order. */
export function stackNames(folder: string): string[] {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return names.flatMap((name) => /^Pulumi\.(.+)\.ya?ml$/.exec(name)?.[1] ?? []).sort();
}

/** Whether a node holds a secret as the CLI writes it: `secure` and nothing else. */
function isEncrypted(value: unknown): boolean {
  return isPlain(value) && Object.keys(value).length === 1 && typeof value.secure === "string";
}

function masked(value: unknown): unknown {
  if (isEncrypted(value)) {
    return ENCRYPTED;
  }
  if (Array.isArray(value)) {
    return value.map(masked);
  }
  return isPlain(value) ? Object.fromEntries(Object.entries(value).map(([key, child]) => [key, masked(child)])) : value;
}
