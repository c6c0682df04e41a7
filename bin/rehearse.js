// Runs the rehearsal without a build step, the same way the Pulumi CLI runs the program.
const path = require("node:path");
require("ts-node").register({ transpileOnly: true, project: path.join(__dirname, "..", "tsconfig.json") });
void require("../rehearse/cli").main(process.argv.slice(2));
