import { lookAtHost } from "../../lifecycle/actors/host";
import { worker } from "./facts";

/**
 * A look at a machine from a process of its own, which a test may put into a network namespace. Prints the finding.
 *
 * Arguments: address, seconds until it is given up.
 */
const [address, seconds] = process.argv.slice(2);
lookAtHost({ ...worker(), address }, {}, Number(seconds)).then(
  (found) => console.log(JSON.stringify(found)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
