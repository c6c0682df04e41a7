// Runs the doctor without a build step, the same way the Pulumi CLI runs the program.
const path = require("node:path");
require("ts-node").register({ transpileOnly: true, project: path.join(__dirname, "..", "tsconfig.json") });
require("../doctor/cli").main(process.argv.slice(2));
