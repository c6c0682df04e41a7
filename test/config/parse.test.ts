import { expect } from "chai";
import * as fc from "fast-check";
import { ConfigError, show } from "../../config/issues";
import { nearest, nearestAll } from "../../config/nearest";
import { parseHomelab } from "../../config/parse";
import { configKeys } from "../../config/schema";
import { edited, home, homeConfig } from "../support/home";

function errorOf(input: unknown): ConfigError {
  try {
    parseHomelab(input);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error;
    }
    throw error;
  }
  throw new Error("accepted");
}

describe("parseHomelab", () => {
  it("freezes the homelab all the way down", () => {
    const loose: string[] = [];
    const visit = (value: unknown, at: string): void => {
      if (typeof value === "object" && value !== null) {
        if (!Object.isFrozen(value)) {
          loose.push(at);
        }
        Object.entries(value).forEach(([key, child]) => visit(child, `${at}.${key}`));
      }
    };
    visit(home(), "homelab");
    expect(loose).to.deep.equal([]);
  });

  it("leaves its input alone", () => {
    const input = homeConfig();
    parseHomelab(input);
    expect(input).to.deep.equal(homeConfig());
    expect(Object.isFrozen(input.network)).to.equal(false);
  });

  it("keeps the control plane first and the order of the file", () => {
    expect(home().nodes.map(({ name }) => name)).to.deep.equal(["k3s-master1", "k3s1", "k3s2", "k3s3"]);
  });

  it("derives the hosts that are not given from the domain", () => {
    const { hosts } = home((config) => {
      config.network.hosts = { grafana: "graphs.fletcherlabs.net" };
    });
    expect(hosts.grafana).to.equal("graphs.fletcherlabs.net");
    expect(hosts.authentik).to.equal("authentik.fletcherlabs.net");
  });

  it("takes the tenth service address for DNS, as K3s does", () => {
    expect(home().clusterDns).to.equal("10.43.0.10");
  });

  it("asks for the right name of an app that is written as if the catalog knew it", () => {
    for (const own of [null, {}]) {
      const { issues } = errorOf(edited((config) => (config.apps.sonar = own)));
      expect(issues.map(({ path, fix }) => [path, fix])).to.deep.equal([["apps.sonar", "did you mean 'sonarr'?"]]);
    }
  });

  for (const input of [undefined, null, "text", 1, []]) {
    it(`refuses ${JSON.stringify(input) ?? "undefined"} in place of a configuration`, () => {
      expect(errorOf(input).issues[0].allowed).to.include("machines");
    });
  }

  it("names every missing section at once", () => {
    expect(errorOf({}).issues.map(({ path }) => path)).to.deep.equal([...configKeys]);
  });

  it("does not mistake inherited names for keys", () => {
    expect(errorOf(edited((config) => (config.storage.defaultTier = "constructor"))).message).to.include("constructor");
    expect(errorOf(JSON.parse('{"__proto__": {}}')).issues).to.have.length.greaterThan(0);
  });

  it("has no stack, and one block for each issue", () => {
    const error = errorOf(edited((config) => (config.network.pool = "x")));
    expect(error.stack).to.equal(error.message);
    expect(error.message).to.equal(
      [
        "The configuration has 1 mistake; nothing was touched.",
        "",
        "  network.pool",
        '    found:   "x"',
        "    allowed: an IPv4 network in CIDR form without host bits",
        "    fix:     write the network address and prefix length, for example 192.168.10.0/24",
      ].join("\n"),
    );
  });

  it("never shows anything below secrets, whatever is wrong there", () => {
    const marker = "hunter2hunter2";
    const keys = { b2ApplicationKeyId: "a", b2ApplicationKey: "b" };
    for (const secrets of [
      marker,
      [marker],
      { k: marker },
      { b2ApplicationKey: [marker], b2ApplicationKeyId: { a: marker }, sshPrivateKey: marker },
      { ...keys, sshPrivateKey: marker, alerts: { phone: `${marker} ${marker}` } },
      { ...keys, alerts: marker },
      { ...keys, alerts: { phone: [marker], other: marker } },
    ]) {
      expect(errorOf({ ...homeConfig(), secrets }).message).not.to.include(marker);
    }
  });

  it("survives any value in any section", () => {
    fc.assert(
      fc.property(fc.constantFrom(...configKeys), fc.jsonValue(), (key, value) => {
        // A house without apps is one.
        fc.pre(key !== "apps" || JSON.stringify(value) !== "{}");
        expect(errorOf({ ...homeConfig(), [key]: value }).issues).to.have.length.greaterThan(0);
      }),
      { numRuns: 40 },
    );
  });
});

describe("showing a value", () => {
  it("takes one line of at most 100 characters", () => {
    expect(show("a\nb")).to.equal('"a\\nb"');
    expect(show("x".repeat(500))).to.have.lengthOf(100);
    expect(show(undefined)).to.equal("nothing");
    expect(show(null)).to.equal("null");
  });
});

describe("nearest name", () => {
  it("finds what was meant", () => {
    expect(nearest("identiti", configKeys)).to.equal("identity");
    expect(nearest("Netwrok", configKeys)).to.equal("network");
  });
  it("guesses nothing where nothing is near", () => {
    expect(nearest("zzzzzzzz", configKeys)).to.equal(undefined);
    expect(nearest("a", [])).to.equal(undefined);
  });
  it("names all that are equally near, and no other", () => {
    expect(nearestAll("adarr", ["sonarr", "radarr", "xadarr", "lidarr"])).to.deep.equal(["radarr", "xadarr"]);
    expect(nearestAll("a", [])).to.deep.equal([]);
  });
});
