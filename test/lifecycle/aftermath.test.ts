import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { issuesWithout, removalEpilogue, replacementEpilogue } from "../../lifecycle/aftermath";
import { stackLines } from "../../lifecycle/stack-lines";
import { homeConfig, root } from "../support/home";
import { worker } from "./facts";

describe("what is left to do in the stack file", () => {
  const text = fs.readFileSync(path.join(root, "Pulumi.home.yaml"), "utf8");
  const rows = text.split("\n");

  it("names exactly the lines of the machine", () => {
    const { from, to } = stackLines(text, worker())!.section;
    expect(rows[from - 1]).to.equal("    k3s3:");
    expect(rows[to - 1]).to.contain("seventh SAS SSD of k3s3");
    const without = rows.filter((_row, index) => index + 1 < from || index + 1 > to).join("\n");
    expect(stackLines(without, worker())).to.equal(undefined);
    expect(stackLines(without, { ...worker(), name: "k3s2" })).not.to.equal(undefined);
  });

  it("names other lines that speak of it, and not those of a longer name", () => {
    const more = `${text}    note: backups of k3s3 at 192.168.10.31\n    other: k3s33, old-k3s3 and 192.168.10.310\n`;
    const mentions = stackLines(more, worker())!.mentions.map((mention) => mention.text);
    // The apps that stand on it come first.
    expect(mentions.slice(0, -1).every((mention) => mention === "nodes: [k3s3]")).to.equal(true);
    expect(mentions.slice(-1)).to.deep.equal(["note: backups of k3s3 at 192.168.10.31"]);
  });

  it("says what the configuration's own checks would say without it", () => {
    const issues = issuesWithout(homeConfig(), "k3s3");
    expect(issues.join("\n")).to.contain("storage.tiers");
    const epilogue = removalEpilogue(worker(), "Pulumi.home.yaml", stackLines(text, worker()), issues).join("\n");
    expect(epilogue).to.match(/take out machines\.k3s3, lines \d+ to \d+ of Pulumi\.home\.yaml, and run pulumi up/);
    expect(epilogue).to.contain("Without it, these have to change in the same go:");
  });

  it("for a replacement, names the keys to set and where their values come from", () => {
    const said = replacementEpilogue(worker(), "Pulumi.home.yaml", stackLines(text, worker())).join("\n");
    expect(said).to.contain("ssh.hostKey").and.to.contain("identity.value").and.to.contain("disks.*.id");
  });
});
