import { platformServices } from "../homelab";
import { ofEach, ofRules } from "../readable";
import type { RawHomelab } from "../schema";
import { issueIf, repeated, type Check } from "./check";

/** The DNS name of each service of the platform and of each app with access, as far as they can be read. */
const hostsOf = (config: RawHomelab) =>
  ofRules(
    () =>
      ofEach(platformServices, (service) => [
        {
          path: `network.hosts.${service}`,
          value: config.network.hosts[service] ?? `${service}.${config.network.domain}`,
        },
      ]),
    () =>
      ofEach(config.apps, ({ access, host }, name) =>
        access === undefined ? [] : [{ path: `apps.${name}.host`, value: host ?? `${name}.${config.network.domain}` }],
      ),
  );

const wildcards: Check = {
  name: "no wildcard host",
  run(config) {
    return hostsOf(config).flatMap(({ path, value }) =>
      issueIf(value.startsWith("*."), () => ({
        path,
        found: value,
        allowed: `a full host name: a certificate for a wildcard cannot be had by ${config.network.certificates.challenge}`,
        fix: "write the service's own name; every host gets its own certificate",
      })),
    );
  },
};

const distinct: Check = {
  name: "every service has a host of its own",
  run(config) {
    return repeated(hostsOf(config)).map(({ path, value, first }) => ({
      path,
      found: `${value}, which is also ${first}`,
      allowed: "a host that no other service has; each defaults to <service>.<domain>",
      fix: "rename one of them",
    }));
  },
};

const belowDomain: Check = {
  name: "hosts are below the domain",
  run(config) {
    const { network } = config;
    return hostsOf(config).flatMap(({ path, value }) =>
      issueIf(value !== network.domain && !value.endsWith(`.${network.domain}`), () => ({
        path,
        found: value,
        allowed: `a name below network.domain, ${network.domain}: login cookies and the house's DNS cover that domain`,
        fix: `write for example ${path
          .split(".")
          .filter((part) => part !== "host")
          .at(-1)}.${network.domain}`,
      })),
    );
  },
};

/** Nobody owns names below these (RFC 6762, RFC 8375, ICANN's .internal and what routers make up). */
const PRIVATE_DOMAINS = ["local", "lan", "home", "internal", "localdomain", "home.arpa"];

const publicDomain: Check = {
  name: "Let's Encrypt can see the domain",
  run({ network: { domain } }) {
    const ending = PRIVATE_DOMAINS.find((name) => domain === name || domain.endsWith(`.${name}`));
    return issueIf(ending !== undefined, () => ({
      path: "network.domain",
      found: domain,
      allowed: `a domain that is registered: Let's Encrypt issues nothing below .${ending}`,
      fix: "take a domain of your own",
    }));
  },
};

export const hostChecks: readonly Check[] = [wildcards, distinct, belowDomain, publicDomain];
