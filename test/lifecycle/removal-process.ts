import { Cluster } from "../../lifecycle/actors/cluster";
import { remove } from "../../lifecycle/operations";
import { worker } from "./facts";
import * as fs from "node:fs";

/**
 * A removal in a process of its own, to be killed: as `npm run node -- remove` does it, but for the machine, whose
 * teardown is a line in a file and takes a moment.
 *
 * Arguments: file of the kubeconfig, file that the teardown writes to.
 */
const [kubeconfig, teardownFile] = process.argv.slice(2);
remove(
  {
    cluster: Cluster.of(fs.readFileSync(kubeconfig, "utf8")),
    limits: { drain: 60, replicas: 60 },
    say: (line) => console.log(line),
    lookAtHost: () => Promise.resolve({ kind: "itself", machineId: "a1" }),
    tearDown: async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      fs.appendFileSync(teardownFile, "teardown\n");
      return ["changed: K3s torn down"];
    },
  },
  worker(),
  { dryRun: false, confirmed: "k3s3" },
).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
