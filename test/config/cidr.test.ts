import { expect } from "chai";
import * as fc from "fast-check";
import * as ipaddr from "ipaddr.js";
import {
  cidrRange,
  contains,
  ipv4ToNumber,
  nthAddress,
  numberToIpv4,
  overlaps,
  parseCidr,
  prefixLength,
  within,
  without,
} from "../../config/cidr";

const address = fc.nat({ max: 0xffffffff });
const network = fc
  .tuple(address, fc.integer({ min: 0, max: 32 }))
  .map(([value, prefix]) => `${numberToIpv4(value - (value % 2 ** (32 - prefix)))}/${prefix}`);
/** Networks of a small house, so that they often touch. */
const nearNetwork = fc
  .tuple(fc.nat({ max: 1023 }), fc.integer({ min: 22, max: 32 }))
  .map(([value, prefix]) => `${numberToIpv4(0xc0a80000 + value - (value % 2 ** (32 - prefix)))}/${prefix}`);
const nearAddress = fc.nat({ max: 1023 }).map((value) => numberToIpv4(0xc0a80000 + value));

/** What another library says. */
const reference = {
  contains: (cidr: string, ip: string) => ipaddr.IPv4.parse(ip).match(ipaddr.IPv4.parseCIDR(cidr)),
  first: (cidr: string) => ipaddr.IPv4.networkAddressFromCIDR(cidr).toString(),
  last: (cidr: string) => ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString(),
};

describe("IPv4 arithmetic", () => {
  it("turns addresses into numbers and back", () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(ipv4ToNumber(numberToIpv4(value))).to.equal(value);
      }),
    );
  });

  it("finds the ends of a network as ipaddr.js does", () => {
    fc.assert(
      fc.property(network, (cidr) => {
        const { first, last } = cidrRange(cidr);
        expect([numberToIpv4(first), numberToIpv4(last)]).to.deep.equal([reference.first(cidr), reference.last(cidr)]);
        expect(last - first + 1).to.equal(2 ** (32 - prefixLength(cidr)));
      }),
    );
  });

  it("knows what a network contains as ipaddr.js does", () => {
    fc.assert(
      fc.property(nearNetwork, nearAddress, (cidr, ip) => {
        expect(contains(cidrRange(cidr), ip)).to.equal(reference.contains(cidr, ip));
      }),
    );
  });

  it("knows that networks overlap exactly if one contains the other's first address", () => {
    fc.assert(
      fc.property(nearNetwork, nearNetwork, (one, other) => {
        const either =
          reference.contains(one, reference.first(other)) || reference.contains(other, reference.first(one));
        expect(overlaps(cidrRange(one), cidrRange(other))).to.equal(either);
        expect(overlaps(cidrRange(other), cidrRange(one))).to.equal(either);
        expect(within(cidrRange(one), cidrRange(other)) || within(cidrRange(other), cidrRange(one))).to.equal(either);
      }),
    );
  });

  it("takes one address out of a range and loses no other", () => {
    fc.assert(
      fc.property(nearNetwork, nearAddress, nearAddress, (cidr, removed, other) => {
        const rest = without(cidrRange(cidr), removed);
        const left = rest.filter((part) => contains(part, other)).length;
        expect(left).to.equal(contains(cidrRange(cidr), other) && other !== removed ? 1 : 0);
        expect(rest.every(({ first, last }) => first <= last)).to.equal(true);
      }),
    );
  });

  it("trap 4: the first address of the pool can be the gateway's", () => {
    const pool = cidrRange("192.168.10.224/28");
    expect(contains(pool, "192.168.10.224")).to.equal(true);
    expect(without(pool, "192.168.10.224").map(({ first, last }) => [first, last].map(numberToIpv4))).to.deep.equal([
      ["192.168.10.225", "192.168.10.239"],
    ]);
  });

  it("leaves nothing of a pool of one address", () => {
    expect(without(cidrRange("10.99.0.1/32"), "10.99.0.1")).to.deep.equal([]);
  });

  it("counts from the network's own address, as K3s does for DNS", () => {
    expect(nthAddress("10.43.0.0/16", 10)).to.equal("10.43.0.10");
    expect(nthAddress("10.43.255.0/24", 10)).to.equal("10.43.255.10");
  });

  for (const text of [
    "192.168.10.1/24",
    "192.168.10.0",
    "192.168.10.0/33",
    "192.168.10/24",
    "0x7f.0.0.1/32",
    "192.168.010.0/24",
    "fd00::/8",
    " 10.0.0.0/8",
    "10.0.0.0/",
    "",
  ]) {
    it(`refuses ${JSON.stringify(text)} as a network`, () => {
      expect(parseCidr(text)).to.equal(undefined);
      expect(() => cidrRange(text)).to.throw("not an IPv4 network");
    });
  }
});
