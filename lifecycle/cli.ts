import * as fs from "node:fs";
import * as path from "node:path";
import { parseHomelab } from "../config/parse";
import { readStackFile } from "../config/stack-file";
import { UserError } from "../plan/user-error";
import { Cluster } from "./actors/cluster";
import { kubeconfigText, sshLogin } from "./actors/credentials";
import { lookAtHost, tearDown } from "./actors/host";
import { issuesWithout, removalEpilogue, replacementEpilogue } from "./aftermath";
import { drainNode, forget, remove, uncordonNode, type Site } from "./operations";
import { parseOptions, USAGE, type Options } from "./options";
import { nodeOf, requireSameCluster, workerOf } from "./preflight";
import { stackLines } from "./stack-lines";

/** Entry point of `npm run node`; sets the exit status. */
export function main(args: readonly string[]): void {
  let options: Options | undefined;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (!options) {
    console.log(USAGE);
    return;
  }
  const { node } = options;
  process.once("SIGINT", () => {
    console.error(
      `\nInterrupted. Run the same command again: it goes on where it stopped. To keep the node: npm run node -- uncordon ${node}`,
    );
    process.exit(130);
  });
  run(options).then((done) => (process.exitCode = done ? 0 : 1), fail);
}

/** @returns whether the command was carried out. */
async function run(options: Options): Promise<boolean> {
  const { command, node, stack } = options;
  const stackFile = `Pulumi.${stack}.yaml`;
  // npm runs it in the folder of the project, where the CLI, too, looks for the stack.
  const file = path.resolve(stackFile);
  const config = readStackFile(file);
  const homelab = parseHomelab(config);
  // Everything that can be refused without the cluster is refused before it is asked.
  const machine = nodeOf(homelab, node, command, stackFile);
  const going = command === "remove" || command === "forget";
  const worker = going ? workerOf(homelab, node, command, stackFile) : undefined;

  const login = going ? await sshLogin(stack, options.identityFile, homelab.secrets.sshPrivateKey) : {};
  const cluster = Cluster.of(await kubeconfigText(stack, options.kubeconfig, homelab.controlPlane));
  requireSameCluster(homelab, node, await cluster.facts(node));
  const site: Site = {
    cluster,
    limits: options.limits,
    say: (line) => console.log(line),
    lookAtHost: (one) => lookAtHost(one, login),
    tearDown: (one) => tearDown(one, login),
  };
  const lines = () => stackLines(fs.readFileSync(file, "utf8"), machine);

  if (command === "uncordon") {
    if (options.dryRun) {
      console.log(`It would take pods on ${node} again. Nothing was done.`);
      return true;
    }
    await uncordonNode(site, machine);
    return true;
  }
  if (command === "drain") {
    const done = await drainNode(site, machine, options);
    if (done) {
      console.log(`${node} is empty. When it is back: npm run node -- uncordon ${node} --stack ${stack}`);
    }
    return done || options.dryRun;
  }
  if (!worker) {
    throw new Error(`${command} without a worker`);
  }
  const done =
    command === "remove" ? await remove(site, worker, options) : await forget(site, worker, options, options.fate);
  if (done) {
    console.log(`${node} is out of the cluster.`);
  }
  const epilogue =
    command === "remove"
      ? removalEpilogue(worker, stackFile, lines(), issuesWithout(config, node))
      : replacementEpilogue(worker, stackFile, lines());
  console.log(`\n${epilogue.join("\n")}`);
  return done || options.dryRun;
}

/** The user's own mistakes are said without a stack; ours with it. */
function fail(error: unknown): void {
  const expected = error instanceof UserError || (error instanceof Error && error.name === "ConfigError");
  console.error(error instanceof Error && !expected ? (error.stack ?? error.message) : (error as Error).message);
  process.exitCode = expected ? 1 : 70;
}
