import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { LOCK_FILE, readLock, writeLock } from "../config/mirror-lock";
import { parseHomelab } from "../config/parse";
import { readStackFile } from "../config/stack-file";
import { recordStack } from "../plan/program";
import { UserError } from "../plan/user-error";
import { artefactsOf } from "./artefacts";
import { fillMirror, type Outcome } from "./fill";
import { mirrorServer } from "./serve";

const USAGE = `usage: npm run mirror -- [--stack NAME] [--folder DIR] [--check | --serve [HOST:]PORT] [--no-images]

  --stack NAME          stack whose pinned versions are mirrored; default home
  --folder DIR          the mirror; default versions.mirror.folder of the stack
  --check               fetches nothing; says what is missing or not as recorded
  --serve [HOST:]PORT   serves the folder read-only, to be put into versions.mirror.url; default host 127.0.0.1
  --no-images           files and charts alone

Fills the folder with everything that the stack downloads, except packages of the distributions, and records digests in
${LOCK_FILE}. Images need skopeo, and helm to know which images a chart starts. An interrupted fill goes on where it was.
Exit status: 0 complete; 1 something is missing, by name; 2 a mistake in these words.`;

interface Options {
  stack: string;
  folder?: string;
  check: boolean;
  serve?: { host: string; port: number };
  images: boolean;
}

/** Entry point of `npm run mirror`; sets the exit status. */
export function main(args: readonly string[]): void {
  const options = parseOptions(args);
  if (options) {
    run(options).catch((error: unknown) => {
      const own = error instanceof UserError || (error instanceof Error && error.name === "ConfigError");
      console.error(error instanceof Error ? (own ? error.message : error.stack) : String(error));
      process.exitCode = own ? 1 : 70;
    });
  }
}

function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        stack: { type: "string", default: "home" },
        folder: { type: "string" },
        check: { type: "boolean", default: false },
        serve: { type: "string" },
        images: { type: "boolean", default: true },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return undefined;
    }
    if (values.check && values.serve !== undefined) {
      throw new Error("--check and --serve are two different things");
    }
    return { ...values, serve: values.serve === undefined ? undefined : listenOn(values.serve) };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

function listenOn(text: string): { host: string; port: number } {
  const [, host = "127.0.0.1", port] = /^(?:(.+):)?([0-9]{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new Error(`--serve: '${text}' is not a port, nor a host and a port`);
  }
  return { host, port: Number(port) };
}

async function run(options: Options): Promise<void> {
  const root = path.join(__dirname, "..");
  const config = readStackFile(path.join(root, `Pulumi.${options.stack}.yaml`));
  const homelab = parseHomelab(config);
  const folder = options.folder ?? homelab.versions.mirror?.folder;
  if (folder === undefined) {
    throw new UserError("no folder: give one with --folder, or set versions.mirror.folder in the stack file");
  }
  if (options.serve) {
    return serve(folder, options.serve);
  }
  if (options.images && !options.check) {
    requireTools(["skopeo", "helm"]);
  }
  makeFolder(folder);

  const lockFolder = homelab.versions.mirror?.lockFolder ?? root;
  let lock;
  try {
    lock = readLock(lockFolder);
  } catch (error) {
    throw new UserError((error as Error).message);
  }
  const recording = await recordStack(options.stack, config);
  const outcomes = await fillMirror({
    artefacts: artefactsOf(homelab),
    recording,
    folder,
    lock,
    fetch: !options.check,
    images: options.images,
    report: ({ kind, name, result, reason }) =>
      console.log(`${result.padEnd(8)} ${kind.padEnd(6)} ${name}${reason === undefined ? "" : `\n         ${reason}`}`),
  });
  if (!options.check) {
    writeLock(lockFolder, lock);
  }
  conclude(outcomes, folder, options);
}

function conclude(outcomes: readonly Outcome[], folder: string, { images }: Options): void {
  const lacking = outcomes.filter(({ result }) => result === "missing" || result === "failed");
  const left = images ? "" : " Images were left out.";
  if (lacking.length > 0) {
    console.error(`\n${lacking.length} of ${outcomes.length} are not in ${folder} as they should be:`);
    lacking.forEach(({ kind, name }) => console.error(`  ${kind} ${name}`));
    process.exitCode = 1;
  } else {
    console.log(`\nAll ${outcomes.length} are in ${folder}.${left} A rebuild from it needs no upstream but packages.`);
  }
}

function requireTools(tools: readonly string[]): void {
  const missing = tools.filter((tool) => spawnSync(tool, ["--version"]).error && spawnSync(tool, ["version"]).error);
  if (missing.length > 0) {
    throw new UserError(
      `images need ${missing.join(" and ")} on PATH (skopeo: apt-get install skopeo; helm: see helm.sh). ` +
        "To mirror files and charts alone: --no-images",
    );
  }
}

function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (error) {
    throw new UserError(`${folder} cannot be written: ${(error as Error).message}. Is it mounted?`);
  }
}

async function serve(folder: string, { host, port }: { host: string; port: number }): Promise<void> {
  if (!fs.existsSync(folder)) {
    throw new UserError(`there is no ${folder}; fill it first: npm run mirror -- --folder ${folder}`);
  }
  const server = mirrorServer(folder);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new UserError(error.code === "EADDRINUSE" ? `${host}:${port} is taken; choose another port` : error.message),
      ),
    );
    server.listen(port, host, resolve);
  });
  console.log(`${folder} is served at http://${host}:${port}; Ctrl-C ends it.`);
}
