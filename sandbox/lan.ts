import type { ChildProcess } from "node:child_process";
import * as path from "node:path";
import { must, start } from "./processes";

/** A machine of the LAN that asks for its address. */
export interface LanHost {
  name: string;
  mac: string;
  address: string;
}

export interface LanSpec {
  /** Network of the LAN, such as 10.99.0.0/24. */
  cidr: string;
  /** Address of the router, which is this side. */
  router: string;
  /** Get their addresses by DHCP. */
  hosts: readonly LanHost[];
  /** Every name below `domain` has this address; no other name is known. */
  split: { domain: string; address: string };
  /** For the leases. */
  folder: string;
}

/** What the kernel puts into every new namespace once a tunnel module is loaded (net.core.fb_tunnels_only_for_init_net). */
const FALLBACK = new Set([
  ...["tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"],
]);

/** Name of the bridge that the LAN is. */
export const LAN_BRIDGE = "lan";

/**
 * A LAN in this process's network namespace: a bridge, and on it a router that gives addresses and answers names. It leads
 * nowhere: who is on it reaches the others and nobody else. It ends with the namespace.
 */
export class Lan {
  private constructor(private readonly server: ChildProcess) {}

  /** @throws Error if the namespace is not an empty one of its own: the house's own network is not to be touched. */
  public static async start({ cidr, router, hosts, split, folder }: LanSpec): Promise<Lan> {
    const { stdout } = await must("ip", ["-o", "link"]);
    const links = stdout.split("\n").flatMap((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? []);
    const foreign = links.filter((name) => name !== "lo" && !FALLBACK.has(name));
    if (foreign.length > 0) {
      throw new Error(`a LAN is made in an empty network namespace only; this one has ${foreign.join(", ")}`);
    }
    await must("ip", ["link", "set", "lo", "up"]);
    await must("ip", ["link", "add", LAN_BRIDGE, "type", "bridge"]);
    await must("ip", ["address", "add", `${router}/${cidr.split("/")[1]}`, "dev", LAN_BRIDGE]);
    await must("ip", ["link", "set", LAN_BRIDGE, "up"]);
    const server = start(
      "dnsmasq",
      [
        ...["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--log-facility=-"],
        ...["--no-resolv", "--no-hosts", `--interface=${LAN_BRIDGE}`, "--bind-interfaces"],
        ...[`--dhcp-range=${cidr.split("/")[0]},static`, "--dhcp-authoritative"],
        ...[`--dhcp-leasefile=${path.join(folder, "leases")}`, `--dhcp-option=option:router,${router}`],
        ...hosts.map(({ name, mac, address }) => `--dhcp-host=${mac},${address},${name},infinite`),
        `--address=/${split.domain}/${split.address}`,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    const lan = new Lan(server);
    await lan.untilServing();
    return lan;
  }

  public stop(): void {
    this.server.kill("SIGKILL");
  }

  /** dnsmasq says what is wrong and ends, or says that it has started. */
  private untilServing(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = "";
      this.server.stderr?.on("data", (data: Buffer) => {
        said = `${said}${data.toString("utf8")}`.slice(-4000);
        if (/started, version/.test(said)) {
          resolve();
        }
      });
      this.server.once("error", reject);
      this.server.once("exit", (status) => reject(new Error(`dnsmasq ended with status ${status}: ${said.trim()}`)));
    });
  }
}
