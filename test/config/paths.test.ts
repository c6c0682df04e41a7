import { expect } from "chai";
import { ConfigError } from "../../config/issues";
import { parseHomelab } from "../../config/parse";
import { DISK_FOLDER } from "../../nodes/disks/plan";
import { paths } from "../../nodes/k3s/paths";
import { edited } from "../support/home";

function issuesWith(kubeletRoot: string): string {
  try {
    parseHomelab(edited((config) => (config.cluster.kubeletRoot = kubeletRoot)));
    return "";
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
}

describe("kubelet root", () => {
  for (const good of ["/var/lib/kubelet", `${paths.data}/agent/kubelet`, "/mnt/data/kubelet"]) {
    it(`takes ${good}`, () => expect(issuesWith(good)).to.equal(""));
  }

  // The folders of the nodes' own code, which the configuration must not import.
  for (const taken of [
    `${DISK_FOLDER}/nvme-1`,
    DISK_FOLDER,
    paths.memory,
    "/var/lib",
    "/var",
    paths.data,
    `${paths.data}/agent`,
    `${paths.data}/agent/kubelet/below`,
    `${paths.data}/server/kubelet`,
  ]) {
    it(`refuses ${taken}`, () => expect(issuesWith(taken)).to.include("cluster.kubeletRoot"));
  }

  it("is compared by folder, not by text", () => {
    expect(issuesWith("/runner/kubelet")).to.equal("");
    expect(issuesWith(`${paths.data}-old/kubelet`)).to.equal("");
  });
});
