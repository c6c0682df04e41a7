import * as fs from "node:fs";
import * as path from "node:path";
import { parseHomelab } from "../../config/parse";
import { inControllersPlace } from "../../rehearse/artefacts/controllers";
import { STACK, type StackConfig } from "../../rehearse/config";
import { deployer } from "../../rehearse/deploy/deployer";
import { ORDER_FILE, STATE_FILE, type Order } from "../../rehearse/inside";
import { notRehearsed } from "../../rehearse/not-rehearsed";

/** What may be done with the stack; all but `up` by the engine only. */
export type Operation = "up" | "preview" | "refresh" | "destroy";

/**
 * Does something with the stack of a rehearsal whose machines are up, from within its namespaces, and tells a line of JSON
 * for each event, then one for the run. Arguments: the rehearsal's folder, a file with the whole configuration, and what.
 */
async function main([folder, configFile, operation]: string[]): Promise<void> {
  const order = JSON.parse(fs.readFileSync(path.join(folder, ORDER_FILE), "utf8")) as Order;
  const config = configFile ? (JSON.parse(fs.readFileSync(configFile, "utf8")) as StackConfig) : order.config;
  const homelab = parseHomelab(config);
  const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const deploy = await deployer({
    name: STACK,
    config,
    stateFile: path.join(folder, STATE_FILE),
    notRehearsed: notRehearsed(order.choice),
    inControllersPlace: inControllersPlace(homelab, order.choice),
  });
  const run = await deploy[operation as Operation]?.((event) => tell({ event }));
  if (!run) {
    throw new Error(`${operation} needs the engine; this is the ${deploy.kind}`);
  }
  tell({ run: { ...run, outputs: {} }, deployer: deploy.kind });
}

if (require.main === module) {
  void main(process.argv.slice(2));
}
