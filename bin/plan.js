// Runs the plan without a build step, the same way the Pulumi CLI runs the program.
require("ts-node").register({ transpileOnly: true });
require("../plan/cli").main(process.argv.slice(2));
