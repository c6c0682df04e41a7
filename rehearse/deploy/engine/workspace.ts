import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { PROJECT } from "../../../plan/record";
import type { NotRehearsed } from "./stand-ins";

/** Not a part of the program, or written anew for a second folder of it. */
const LEFT_OUT = /^(\.git|\.cache|out|Pulumi\.yaml|Pulumi\.[^.]+\.yaml)$/;
/** The first file of the program that the engine runs. */
export const MAIN = "rehearsed.js";
/** Folder of the plugin that stands in for the one which serves Backblaze B2, and the plugin's name. */
const PLUGIN_FOLDER = "backblaze";
const PLUGIN = "terraform-provider";

export interface Workspace {
  /** Folder of the Pulumi program. */
  program: string;
  stack: string;
  /** Values by key, without the namespace. */
  config: Readonly<Record<string, unknown>>;
  notRehearsed: NotRehearsed;
}

/**
 * Makes the folder that the engine works in: it shows the program, begins with what stands in for the rest, and has a stack
 * file of its own. The program's folder stays as it is.
 */
export function writeWorkspace(folder: string, { program, stack, config, notRehearsed }: Workspace): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of fs.readdirSync(program).filter((entry) => !LEFT_OUT.test(entry))) {
    const link = path.join(folder, name);
    fs.rmSync(link, { force: true });
    fs.symlinkSync(path.join(program, name), link);
  }
  writeProject(folder, program);
  const transform = path.join(__dirname, "transform");
  fs.writeFileSync(
    path.join(folder, MAIN),
    `require(${JSON.stringify(transform)}).rehearse(${JSON.stringify(notRehearsed)});\nmodule.exports = require("./index");\n`,
  );
  writePlugin(path.join(folder, PLUGIN_FOLDER));
  writeStackFile(path.join(folder, `Pulumi.${stack}.yaml`), config);
}

/** The program's own project file, with another beginning, and the stand-in in the place of a plugin. */
function writeProject(folder: string, program: string): void {
  const own = path.join(program, "Pulumi.yaml");
  const project = fs.existsSync(own)
    ? (parse(fs.readFileSync(own, "utf8")) as Record<string, unknown>)
    : { name: PROJECT, runtime: "nodejs" };
  const plugins = { providers: [{ name: PLUGIN, path: `./${PLUGIN_FOLDER}` }] };
  fs.writeFileSync(path.join(folder, "Pulumi.yaml"), stringify({ ...project, main: MAIN, plugins }));
}

/** A plugin is an executable of a fixed name (pulumi/pulumi sdk/go/common/resource/plugin/plugin.go). */
function writePlugin(folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
  const words = [
    process.execPath,
    "--require",
    require.resolve("ts-node/register/transpile-only"),
    path.join(__dirname, "backblaze-provider.ts"),
  ];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const tsconfig = path.join(__dirname, "..", "..", "..", "tsconfig.json").replaceAll("'", "'\\''");
  fs.writeFileSync(
    path.join(folder, `pulumi-resource-${PLUGIN}`),
    `#!/bin/sh\nTS_NODE_PROJECT='${tsconfig}' exec ${quoted} "$@"\n`,
    { mode: 0o755 },
  );
}

/** Writes the values; the salt, by which the engine knows its passphrase, stays. */
function writeStackFile(file: string, config: Readonly<Record<string, unknown>>): void {
  const before = fs.existsSync(file) ? (parse(fs.readFileSync(file, "utf8")) as Record<string, unknown> | null) : {};
  const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [`${PROJECT}:${key}`, value]));
  fs.writeFileSync(file, stringify({ ...before, config: values }), { mode: 0o600 });
}

/** The passphrase of the state, made the first time. */
export function passphrase(file: string): string {
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  }
  return fs.readFileSync(file, "utf8");
}
