// Runs the plan without a build step, the same way the Pulumi CLI runs the program.
const path = require("node:path");
require("ts-node").register({ transpileOnly: true, project: path.join(__dirname, "..", "tsconfig.json") });
// ts-node maps every stack trace back to the source, and the SDK takes one for each resource: half of the run's time.
Error.prepareStackTrace = undefined;
require("../plan/cli").main(process.argv.slice(2));
