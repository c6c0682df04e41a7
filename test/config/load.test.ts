import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import type { Homelab } from "../../config/homelab";
import { loadHomelab } from "../../config/load";
import { findPlaceholders } from "../../config/placeholders";
import { record, type RecordOptions } from "../../plan/record";
import { homeConfig } from "../support/home";
import { fixtures } from "./fixtures";

/** What the program gets from the engine, or how it ends. */
async function load(options: RecordOptions): Promise<Homelab | Error> {
  let result: Homelab | Error | undefined;
  await record(() => {
    try {
      result = loadHomelab();
    } catch (error) {
      result = error as Error;
    }
  }, options);
  return result ?? new Error("the program did not run");
}

/** The home stack with every placeholder filled in, by something of the right form. */
function filled(): Record<string, unknown> {
  let count = 0;
  const fill = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) {
      return value.map((child) => fill(child, key));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, fill(child, name)]));
    }
    if (typeof value !== "string" || !value.startsWith("FILL_ME")) {
      return value;
    }
    const digits = String(++count).padStart(4, "0");
    const forms: Record<string, string> = {
      email: "admin@example.org",
      hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${digits.padStart(43, "A")}`,
      id: `/dev/disk/by-id/nvme-played_${digits}`,
      sha256: "0".repeat(64),
      deadMansSwitch: "https://watch.example.org/played",
      digest: `sha256:${"0".repeat(64)}`,
      authorizedKeys: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${digits.padStart(43, "A")} owner`,
    };
    return forms[key] ?? `played${digits}`;
  };
  return fill(homeConfig(), "") as Record<string, unknown>;
}

describe("loadHomelab", () => {
  it("reads the stack's configuration with its types", async () => {
    const homelab = (await load({ config: homeConfig() })) as Homelab;
    expect(homelab.network.gateway).to.deep.equal({ ip: "192.168.10.224", alpn: true });
    expect(homelab.controlPlane.vm?.vcpus).to.equal(4);
  });

  for (const { name, stack, config } of fixtures("good").filter((fixture) => fixture.stack !== "home")) {
    it(`works under any stack name: ${stack} (${name})`, async () => {
      expect(await load({ config, stack })).to.have.property("cluster");
    });
  }

  it("accepts placeholders in a preview", async () => {
    expect(await load({ config: homeConfig(), preview: true })).to.have.property("placeholders").that.is.not.empty;
  });

  it("refuses every placeholder by name when machines are about to be changed", async () => {
    const error = (await load({ config: homeConfig(), preview: false })) as Error;
    const paths = findPlaceholders(homeConfig()).map(({ path }) => path);
    expect(error.message).to.include(`${paths.length} mistakes`);
    expect(paths.filter((path) => !error.message.includes(`\n  ${path}\n`))).to.deep.equal([]);
  });

  it("lets a complete configuration through to the machines", async () => {
    const homelab = await load({ config: filled(), preview: false });
    expect(homelab instanceof Error ? homelab.message : homelab.placeholders).to.deep.equal([]);
  });

  it("ends the run in the way that the engine shows without a stack", async () => {
    const error = await load({ config: { ...homeConfig(), storage: {} } });
    expect(pulumi.RunError.isInstance(error)).to.equal(true);
    expect((error as Error).message).to.include("storage.tiers");
  });

  it("sees keys that do not exist, though nobody asks for them", async () => {
    const error = (await load({ config: { ...homeConfig(), identiti: { a: 1 } } })) as Error;
    expect(error.message).to.include("did you mean 'identity'?");
  });

  it("says what should stand in place of a text that is no JSON", async () => {
    const error = (await load({ config: { ...homeConfig(), cluster: "home" } })) as Error;
    expect(error.message).to.include("a group of keys");
  });
});
