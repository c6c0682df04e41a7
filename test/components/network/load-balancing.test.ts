import { expect } from "chai";
import * as fc from "fast-check";
import { addressPools, planPools, type AddressBlock } from "../../../components/network/address-pools";
import { announcements } from "../../../components/network/announcements";
import { LoadBalancing } from "../../../components/network/load-balancing";
import type { Manifest } from "../../../components/network/manifest";
import { cidrRange, ipv4ToNumber, numberToIpv4 } from "../../../config/cidr";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { ciliumReleases, homeWithCilium, problems, routedPool } from "./support";

/** Any pool of up to 65536 addresses, and any address in it. */
const poolAndAddress = fc
  .tuple(fc.nat(0xffffffff), fc.integer({ min: 16, max: 32 }), fc.nat(0xffff))
  .map(([seed, prefix, offset]) => {
    const size = 2 ** (32 - prefix);
    const first = Math.floor(seed / size) * size;
    return { pool: `${numberToIpv4(first)}/${prefix}`, address: numberToIpv4(first + (offset % size)) };
  });

const numbers = ({ start, stop }: AddressBlock): [number, number] => {
  const [first, last] = [ipv4ToNumber(start), ipv4ToNumber(stop)];
  if (first === undefined || last === undefined || first > last) {
    throw new Error(`not a block: ${start} to ${stop}`);
  }
  return [first, last];
};

const spec = (manifest: Manifest | undefined) => manifest?.spec as Record<string, never>;

describe("address pools", () => {
  it("trap 4: every gateway address of every pool is allocatable, and from the gateway's pool only", () => {
    fc.assert(
      fc.property(poolAndAddress, ({ pool, address }) => {
        const { gateway, services } = planPools(pool, address);
        const value = ipv4ToNumber(address) ?? Number.NaN;
        const holds = (block: AddressBlock) => numbers(block)[0] <= value && value <= numbers(block)[1];
        expect(gateway.filter(holds)).to.have.length(1);
        expect(services.filter(holds)).to.have.length(0);
      }),
    );
  });

  it("never overlap, and together are exactly the pool", () => {
    fc.assert(
      fc.property(poolAndAddress, ({ pool, address }) => {
        const { gateway, services } = planPools(pool, address);
        const blocks = [...gateway, ...services].map(numbers).sort(([one], [other]) => one - other);
        const { first, last } = cidrRange(pool);
        expect(blocks[0][0]).to.equal(first);
        expect(blocks[blocks.length - 1][1]).to.equal(last);
        blocks.slice(1).forEach(([start], index) => expect(start).to.equal(blocks[index][1] + 1));
      }),
    );
  });

  it("trap 4: gives the house 192.168.10.224 of 192.168.10.224/28", () => {
    expect(planPools("192.168.10.224/28", "192.168.10.224")).to.deep.equal({
      gateway: [{ start: "192.168.10.224", stop: "192.168.10.224" }],
      services: [{ start: "192.168.10.225", stop: "192.168.10.239" }],
    });
  });

  it("trap 5: are written in blocks, never in the removed field cidrs", () => {
    for (const version of ciliumReleases) {
      for (const pool of addressPools(homeWithCilium(version))) {
        expect(pool.spec).to.have.all.keys("blocks", "serviceSelector");
      }
    }
  });

  it("serve the home Gateway's Service from the one and every other Service from the other", () => {
    const [gateway, services] = addressPools(home());
    expect(spec(gateway).serviceSelector).to.deep.equal({
      matchLabels: { "io.cilium.gateway/owning-gateway": "home" },
    });
    expect(spec(services).serviceSelector).to.deep.equal({
      matchExpressions: [{ key: "io.cilium.gateway/owning-gateway", operator: "NotIn", values: ["home"] }],
    });
  });

  it("is only the gateway's when the pool has but one address", () => {
    const one = home((config) => (config.network.pool = "192.168.10.224/32"));
    expect(addressPools(one).map(({ metadata }) => metadata.name)).to.deep.equal(["gateway"]);
  });
});

describe("announcements", () => {
  const kinds = (...args: Parameters<typeof homeWithCilium>) =>
    announcements(homeWithCilium(...args)).map(({ kind }) => kind);
  const of = (version: string, kind: string) =>
    announcements(homeWithCilium(version)).find((manifest) => manifest.kind === kind);

  for (const version of ciliumReleases) {
    it(`pools and announcements are what Cilium ${version} understands`, () => {
      const homelab = homeWithCilium(version);
      for (const manifest of [...addressPools(homelab), ...announcements(homelab)]) {
        expect(problems(homelab, manifest), manifest.kind).to.deep.equal([]);
      }
    });
  }

  it("trap 6: the LAN itself is served by ARP beside BGP", () => {
    expect(spec(of("1.17.18", "CiliumL2AnnouncementPolicy"))).to.deep.include({
      loadBalancerIPs: true,
      interfaces: home().network.lan.interfaces,
    });
    expect(spec(of("1.17.18", "CiliumL2AnnouncementPolicy"))).not.to.have.property("nodeSelector");
  });

  it("trap 7: BGP is written in the generation that the release has a controller for", () => {
    const second = ["CiliumBGPAdvertisement", "CiliumBGPPeerConfig", "CiliumBGPClusterConfig"];
    expect(kinds("1.15.6")).to.deep.equal(["CiliumBGPPeeringPolicy", "CiliumL2AnnouncementPolicy"]);
    for (const version of ["1.16.19", "1.17.18", "1.18.12"]) {
      expect(kinds(version)).to.deep.equal([...second, "CiliumL2AnnouncementPolicy"]);
    }
    expect(of("1.17.18", "CiliumBGPClusterConfig")?.apiVersion).to.equal("cilium.io/v2alpha1");
    expect(of("1.18.12", "CiliumBGPClusterConfig")?.apiVersion).to.equal("cilium.io/v2");
  });

  it("trap 8: the selector of services is always there and true for any service", () => {
    const policy = spec(of("1.15.6", "CiliumBGPPeeringPolicy")) as unknown as {
      virtualRouters: { serviceSelector: { matchExpressions: { operator: string }[] } }[];
    };
    const advertisement = spec(of("1.17.18", "CiliumBGPAdvertisement")) as unknown as {
      advertisements: { selector: { matchExpressions: { operator: string }[] } }[];
    };
    for (const selector of [policy.virtualRouters[0].serviceSelector, advertisement.advertisements[0].selector]) {
      expect(selector.matchExpressions.map(({ operator }) => operator)).to.deep.equal(["NotIn"]);
    }
  });

  it("peer with the router of the configuration, and find each other by name and label", () => {
    const cluster = spec(of("1.17.18", "CiliumBGPClusterConfig")) as unknown as {
      bgpInstances: { localASN: number; peers: Record<string, unknown>[] }[];
    };
    const [{ localASN, peers }] = cluster.bgpInstances;
    expect(localASN).to.equal(64512);
    expect(peers[0]).to.deep.include({ peerASN: 64513, peerAddress: "192.168.10.1" });
    expect(peers[0].peerConfigRef).to.deep.equal({ name: of("1.17.18", "CiliumBGPPeerConfig")?.metadata.name });
    const peer = spec(of("1.17.18", "CiliumBGPPeerConfig")) as unknown as {
      families: { advertisements: { matchLabels: unknown } }[];
    };
    expect(peer.families[0].advertisements.matchLabels).to.deep.equal(
      of("1.17.18", "CiliumBGPAdvertisement")?.metadata.labels,
    );
    expect(spec(of("1.15.6", "CiliumBGPPeeringPolicy"))).to.have.nested.property(
      "virtualRouters[0].neighbors[0].peerAddress",
      "192.168.10.1/32",
    );
  });

  it("are left out where the house does not want them", () => {
    expect(kinds("1.17.18", (config) => delete config.network.bgp)).to.deep.equal(["CiliumL2AnnouncementPolicy"]);
    expect(kinds("1.17.18", routedPool)).not.to.include("CiliumL2AnnouncementPolicy");
  });
});

describe("load balancing", () => {
  it("makes each manifest one resource with a name of its own", async () => {
    const { resources } = await record(() => {
      new LoadBalancing("load-balancing", { homelab: home() });
    });
    const names = resources.filter(({ custom }) => custom).map(({ name }) => name);
    expect(names).to.have.members([
      "load-balancing-load-balancer-ip-pool-gateway",
      "load-balancing-load-balancer-ip-pool-services",
      "load-balancing-bgp-advertisement-load-balancer-addresses",
      "load-balancing-bgp-peer-config-router",
      "load-balancing-bgp-cluster-config-router",
      "load-balancing-l2-announcement-policy-lan",
    ]);
  });
});
