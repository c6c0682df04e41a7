import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { exposureOf, exposureTable } from "../../plan/exposure";
import { home, root } from "../support/home";
import { recordedHome, revealed, type RecordedStack } from "../support/stack";

const BEGIN = "<!-- exposure of the home stack, written by npm run plan -->";
const END = "<!-- end of exposure -->";

describe("what is exposed", function () {
  // A whole stack; slow on a busy machine.
  this.timeout(120_000);
  const entries = exposureOf(home());
  let stack: RecordedStack;

  before(async () => {
    stack = await recordedHome();
  });

  it("stands in the README as the plan writes it: put out/home/exposure.md between the marks", () => {
    const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
    const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
    expect(from).to.be.within(0, to);
    expect(readme.slice(from + BEGIN.length, to).trim()).to.equal(exposureTable(entries));
  });

  it("names every route of the graph, and the protection that its backend really is", () => {
    const routes = stack.ofType(/HTTPRoute$/).flatMap(({ inputs }) => {
      const { spec } = revealed(inputs) as {
        spec: { hostnames?: string[]; rules: { backendRefs?: { name: string }[] }[] };
      };
      const [backend] = spec.rules.flatMap(({ backendRefs = [] }) => backendRefs);
      return backend ? (spec.hostnames ?? []).map((host) => ({ host, backend: backend.name })) : [];
    });
    const served = entries.filter(({ what, from }) => from === "internet" && !what.includes(":"));
    expect(served.map(({ what }) => what)).to.have.members(routes.map(({ host }) => host));
    for (const { host, backend } of routes) {
      const entry = served.find(({ what }) => what === host)!;
      const behind = backend.startsWith("oauth2-proxy-")
        ? /^OAuth2-Proxy before it/
        : backend === "authentik-server"
          ? /^(Authentik before it|its own login: it is the login)/
          : /^(OpenID Connect with Authentik|its own login: .{10})/;
      expect(entry.protectedBy, host).to.match(behind);
    }
  });

  it("says who gets in by the names of the groups", () => {
    const who = Object.fromEntries(entries.map(({ service, who: group }) => [service, group]));
    expect(who).to.include({
      longhorn: "homelab-admins",
      grafana: "homelab-admins, homelab-viewers",
      overseerr: "homelab-admins, homelab-family",
      sonarr: "homelab-admins",
    });
  });

  it("a route without a login says so, with the owner's reason", () => {
    const open = exposureOf(
      home((config) => {
        config.apps.jellyfin.access = { policy: "public", because: "films of our own making | for everybody" };
      }),
    );
    const jellyfin = open.find(({ service }) => service === "jellyfin")!;
    expect(jellyfin).to.include({ who: "everybody", protectedBy: "nothing: films of our own making | for everybody" });
    expect(exposureTable([jellyfin])).to.contain("making \\| for");
  });

  it("tells the house what listens in it without a login", () => {
    const bare = entries.filter(({ from, protectedBy }) => from === "house" && protectedBy.startsWith("nothing"));
    expect(bare.map(({ service }) => service)).to.deep.equal(["metrics of nodes and Cilium", "pod network"]);
  });
});
