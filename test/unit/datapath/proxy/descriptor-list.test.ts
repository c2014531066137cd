import { expect, test } from "bun:test";

import { DescriptorList } from "../../../../src/datapath/proxy/descriptor-list.ts";

function contents(list: DescriptorList): number[][] {
  const found: number[][] = [];
  list.filter((fd, generation) => {
    found.push([fd, generation]);
    return true;
  });
  return found;
}

test("DescriptorList keeps what was pushed, in order, beyond its first size", () => {
  const list = new DescriptorList();
  for (let fd = 0; fd < 5000; fd++) list.push(fd, -fd);
  expect(list.count).toBe(5000);
  expect(contents(list)[4999]).toEqual([4999, -4999]);
});

test("DescriptorList drops what filter refuses", () => {
  const list = new DescriptorList();
  for (let fd = 0; fd < 6; fd++) list.push(fd, 1);
  list.filter((fd) => fd % 2 === 1);
  expect(contents(list)).toEqual([
    [1, 1],
    [3, 1],
    [5, 1],
  ]);
});

test("DescriptorList keeps what is pushed during filter, and does not visit it", () => {
  const list = new DescriptorList();
  list.push(1, 1);
  list.push(2, 2);
  const visited: number[] = [];
  list.filter((fd) => {
    visited.push(fd);
    list.push(fd + 10, 0);
    return false;
  });
  expect(visited).toEqual([1, 2]);
  expect(contents(list)).toEqual([
    [11, 0],
    [12, 0],
  ]);
});
