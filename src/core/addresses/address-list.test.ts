import { expect, test } from "bun:test";
import { makeAddressList } from "./address-list.ts";

const LIST = makeAddressList([
  "10.0.0.0/8",
  "192.0.2.7",
  "fd00::/8",
  "2001:db8::1",
  "::ffff:198.51.100.0/120",
]);

test.each([
  ["10.255.0.1", true],
  ["11.0.0.1", false],
  ["192.0.2.7", true],
  ["192.0.2.8", false],
  ["::ffff:10.1.2.3", true],
  ["::ffff:0a01:0203", true],
  ["::FFFF:192.0.2.7", true],
  ["::ffff:192.0.2.8", false],
  ["198.51.100.9", true],
  ["fd12::1", true],
  ["FD12::1", true],
  ["fd12::1%eth0", true],
  ["fe80::1%eth0", false],
  ["2001:db8:0:0::1", true],
  ["2001:db8::2", false],
  ["::1", false],
  ["", false],
  ["unknown", false],
  ["10.0.0.1:80", false],
  ["10.0.0.256", false],
])("%j is on the list: %p", (address, isOn) => expect(LIST.has(address)).toBe(isOn));
