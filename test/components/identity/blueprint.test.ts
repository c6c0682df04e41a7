import { execFileSync } from "node:child_process";
import { expect } from "chai";
import * as fc from "fast-check";
import { parse } from "yaml";
import {
  allowedGroups,
  blueprint,
  blueprintYaml,
  proxiedApps,
  type BlueprintEntry,
} from "../../../components/identity/blueprint";
import { oidcEndpoints } from "../../../components/identity/oidc";
import type { Homelab } from "../../../config/homelab";
import { oidcClients, proxiedServices } from "../../../components/secrets";
import { home } from "../../support/home";
import { skipBecause } from "../../support/skip";

const clients = oidcClients(home());
const clientSecrets = Object.fromEntries(clients.map((client) => [client, `secret-of-${client}`]));

/** Reads a blueprint with the parser that Authentik uses; tags become `{"!Tag": value}`. */
const PYTHON = `
import json, sys, yaml
class Loader(yaml.SafeLoader): pass
Loader.add_constructor("!Find", lambda l, n: {"!Find": l.construct_sequence(n, deep=True)})
Loader.add_constructor("!KeyOf", lambda l, n: {"!KeyOf": l.construct_scalar(n)})
json.dump(yaml.load(sys.stdin, Loader), sys.stdout)
`;

const asAuthentik = (yaml: string): unknown =>
  JSON.parse(execFileSync("python3", ["-c", PYTHON], { input: yaml, encoding: "utf8" }));

/** What the parser must give back for data of ours. */
const asRead = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    return value.map(asRead);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if ("keyOf" in value) {
    return { "!KeyOf": value.keyOf };
  }
  if ("find" in value) {
    const [model, ...condition] = value.find as string[];
    return { "!Find": [model, condition] };
  }
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, asRead(child)]));
};

describe("blueprint of Authentik", () => {
  const homelab = home();
  const entries = blueprint(homelab, clientSecrets);
  const all = (model: string) => entries.filter((entry) => entry.model === model);
  const providers = all("authentik_providers_oauth2.oauth2provider");

  it("gives every client a confidential provider with its own secret", () => {
    expect(providers.map(({ attrs }) => [attrs?.client_id, attrs?.client_secret, attrs?.client_type])).to.deep.equal(
      clients.map((client) => [client, clientSecrets[client], "confidential"]),
    );
  });

  it("trap 47: the slug of each application is the one in its client's issuer", () => {
    const slugs = all("authentik_core.application").map(({ identifiers }) => `/${identifiers?.slug as string}/`);
    expect(slugs).to.include.members(
      clients.map((client) => oidcEndpoints(homelab, client).issuer.slice(-client.length - 2)),
    );
    expect(slugs).to.have.length(clients.length + proxiedApps(homelab).length);
    expect(providers.every(({ attrs }) => attrs?.issuer_mode === "per_provider")).to.equal(true);
  });

  it("trap 49: every provider has a signing key", () => {
    for (const { attrs } of providers) {
      expect(attrs?.signing_key).to.deep.equal({
        find: ["authentik_crypto.certificatekeypair", "name", "authentik Self-signed Certificate"],
      });
    }
  });

  it("trap 50: the email scope is ours and says verified; no provider uses Authentik's", () => {
    const scope = entries.find(({ id }) => id === "scope-email");
    expect(scope?.attrs?.scope_name).to.equal("email");
    expect(scope?.attrs?.expression).to.contain('"email_verified": True');
    for (const { attrs } of providers) {
      expect(attrs?.property_mappings).to.deep.include({ keyOf: "scope-email" });
      expect(JSON.stringify(attrs?.property_mappings)).not.to.match(/oauth2\/scope-email/);
    }
  });

  it("trap 51: redirect URIs are objects with an exact match", () => {
    for (const { attrs } of providers) {
      const [uri, ...more] = attrs?.redirect_uris as { matching_mode: string; url: string }[];
      expect(more).to.deep.equal([]);
      expect(uri.matching_mode).to.equal("strict");
      expect(uri.url).to.match(
        /^https:\/\/[\w-]+\.fletcherlabs\.net\/(oauth2\/callback|login\/generic_oauth|oauth\/oidc\/callback)$/,
      );
    }
  });

  it("has an invalidation flow and asks for no consent", () => {
    for (const { attrs } of providers) {
      expect(attrs?.invalidation_flow).to.deep.equal({
        find: ["authentik_flows.flow", "slug", "default-provider-invalidation-flow"],
      });
      expect(attrs?.authorization_flow).to.deep.equal({
        find: ["authentik_flows.flow", "slug", "default-provider-authorization-implicit-consent"],
      });
    }
  });

  it("lets only administrators at metrics and storage, and viewers at dashboards", () => {
    for (const service of proxiedServices) {
      expect(allowedGroups(homelab, service)).to.deep.equal(["homelab-admins"]);
    }
    expect(allowedGroups(homelab, "grafana")).to.deep.equal(["homelab-admins", "homelab-viewers"]);
    for (const client of [...clients, ...proxiedApps(homelab).map(({ name }) => name)]) {
      const bound = all("authentik_policies.policybinding").filter(
        ({ identifiers, state }) =>
          state !== "absent" &&
          JSON.stringify(identifiers?.target) === JSON.stringify({ keyOf: `application-${client}` }),
      );
      // No binding at all would mean: everybody with an account.
      expect(bound.map(({ attrs }) => attrs?.group)).to.deep.equal(
        allowedGroups(homelab, client).map((group) => ({ keyOf: `group-${group}` })),
      );
      expect(new Set(bound.map(({ identifiers }) => identifiers?.order)).size).to.equal(bound.length);
    }
  });

  it("a group that is let in no more loses its binding, and the last proxied app leaves the outpost", () => {
    const OVERSEERR = JSON.stringify({ keyOf: "application-overseerr" });
    const bindings = (edit: (config: any) => void) =>
      blueprint(home(edit), clientSecrets)
        .filter(
          ({ model, identifiers }) =>
            model.endsWith("policybinding") && JSON.stringify(identifiers?.target) === OVERSEERR,
        )
        .map(({ identifiers, state }) => [Number(identifiers?.order), state ?? "present"] as const);
    const before = bindings((config) => (config.apps.overseerr.access.groups = ["family"]));
    const after = new Map(bindings((config) => delete config.apps.overseerr.access.groups));
    const given = before.filter(([, state]) => state === "present").map(([order]) => order);
    expect(given).to.deep.equal([0, 1]);
    expect(given.map((order) => after.get(order))).to.deep.equal(["present", "absent"]);
    const outpost = (homelab: Homelab) =>
      blueprint(homelab, clientSecrets).find(({ model }) => model === "authentik_outposts.outpost")?.attrs?.providers;
    expect(outpost(home())).to.not.deep.equal([]);
    expect(outpost(home((config) => (config.apps = {})))).to.deep.equal([]);
  });

  it("puts akadmin into the administrators and leaves it in Authentik's own group", () => {
    expect(all("authentik_core.user")).to.deep.equal([
      {
        model: "authentik_core.user",
        identifiers: { username: "akadmin" },
        attrs: {
          groups: [{ find: ["authentik_core.group", "name", "authentik Admins"] }, { keyOf: "group-homelab-admins" }],
        },
      },
    ]);
    // Members listed on a group would throw out everybody who was added in the UI.
    expect(all("authentik_core.group").some(({ attrs }) => attrs !== undefined)).to.equal(false);
  });

  it("asks for no second factor, as the owner wants", () => {
    const [stage] = all("authentik_stages_authenticator_validate.authenticatorvalidatestage");
    expect(stage.attrs).to.deep.equal({ not_configured_action: "skip" });
  });

  it("names everything before it refers to it", () => {
    const known = new Set<string>();
    const references = (value: unknown): string[] =>
      typeof value !== "object" || value === null
        ? []
        : "keyOf" in value
          ? [String(value.keyOf)]
          : Object.values(value).flatMap(references);
    for (const entry of entries) {
      for (const id of references([entry.identifiers, entry.attrs])) {
        expect(known, `${entry.model} refers to ${id}`).to.include(id);
      }
      if (entry.id !== undefined) {
        expect(known).not.to.include(entry.id);
        known.add(entry.id);
      }
    }
  });

  describe("as YAML", () => {
    before(function () {
      try {
        execFileSync("python3", ["-c", "import yaml"], { stdio: "ignore" });
      } catch {
        skipBecause(this, "python3 with PyYAML, the parser that Authentik uses, is not installed");
      }
    });

    it("is read by PyYAML as the data it was made from", () => {
      expect(asAuthentik(blueprintYaml(entries))).to.deep.equal({
        version: 1,
        metadata: { name: "Homelab" },
        entries: asRead(entries),
      });
    });

    it("keeps words that YAML 1.1 would read as something else", () => {
      const words = [
        "on",
        "no",
        "Yes",
        "null",
        "~",
        "1e3",
        "0o17",
        "017",
        "1_000",
        "12:30:45",
        "2024-01-01",
        "<<",
        "=",
        "!x",
      ];
      const tricky: BlueprintEntry[] = words.map((name) => ({ model: "m", id: name, identifiers: { name } }));
      expect((asAuthentik(blueprintYaml(tricky)) as { entries: unknown }).entries).to.deep.equal(asRead(tricky));
    });
  });

  it("survives any text in names and secrets", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (name, secret) => {
        const entry: BlueprintEntry = { model: "m", identifiers: { name }, attrs: { secret, list: [secret, name] } };
        const read = parse(blueprintYaml([entry])) as { entries: unknown };
        expect(read.entries).to.deep.equal([entry]);
      }),
    );
  });
});
