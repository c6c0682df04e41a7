import * as path from "node:path";
import { parseArgs } from "node:util";
import { parseHomelab } from "../config/parse";
import { readStackFile } from "../config/stack-file";
import { artefactsOf } from "./artefacts";
import { changesInWords } from "./compare";
import { exposureOf, exposureTable } from "./exposure";
import { readPlan, writePlan } from "./folder";
import { graphOf } from "./graph";
import { ownerTasks } from "./owner";
import { pictureOf } from "./picture";
import { recordStack } from "./program";
import { reportOf } from "./report";
import { UserError } from "./user-error";

const USAGE = `usage: npm run plan -- [--stack NAME] [--out DIR] [--against DIR]

  --stack NAME    stack whose Pulumi.<NAME>.yaml is planned; default home
  --out DIR       folder for the plan's files; default out/<stack>, replaced by each run
  --against DIR   says in words what changed since the plan in DIR

Needs neither the Pulumi CLI nor a network, and touches nothing but DIR.
Exit status: 0 planned; 1 a mistake in the configuration or the folders; 2 a mistake in these words.`;

interface Options {
  stack: string;
  out: string;
  against?: string;
}

/** Entry point of `npm run plan`; sets the exit status. */
export function main(args: readonly string[]): void {
  process.on("unhandledRejection", fail);
  const options = parseOptions(args);
  if (options) {
    run(options).catch(fail);
  }
}

function parseOptions(args: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        stack: { type: "string", default: "home" },
        out: { type: "string" },
        against: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return undefined;
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(values.stack)) {
      throw new Error(`--stack: '${values.stack}' is not the name of a stack`);
    }
    return { stack: values.stack, out: values.out ?? path.join("out", values.stack), against: values.against };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function run(options: Options): Promise<void> {
  const config = readStackFile(path.join(__dirname, "..", `Pulumi.${options.stack}.yaml`));
  const homelab = parseHomelab(config);
  const before = options.against === undefined ? undefined : readPlan(options.against);

  const recording = await recordStack(options.stack, config);
  const graph = graphOf(recording);
  const report = reportOf(graph, ownerTasks(homelab));
  const artefacts = artefactsOf(recording, graph);
  artefacts.set("graph.svg", await pictureOf(graph));
  artefacts.set("exposure.md", `${exposureTable(exposureOf(homelab))}\n`);
  artefacts.set("plan.txt", `${report}\n`);
  writePlan(options.out, artefacts);

  console.log(report);
  console.log(`\n${artefacts.size} files for review in ${options.out}; the picture is graph.svg.`);
  if (before) {
    console.log(`\nSince the plan in ${options.against}:\n${changesInWords(before, artefacts)}`);
  }
}

/** The user's own mistakes are said without a stack; ours with it. */
function fail(error: unknown): void {
  const ownMistake = error instanceof UserError || (error instanceof Error && error.name === "ConfigError");
  const isRunError = typeof error === "object" && error !== null && "__pulumiRunError" in error;
  console.error(
    error instanceof Error
      ? ownMistake || isRunError
        ? error.message
        : (error.stack ?? error.message)
      : String(error),
  );
  process.exit(ownMistake || isRunError ? 1 : 70);
}
