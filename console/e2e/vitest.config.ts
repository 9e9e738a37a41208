import { defineConfig } from 'vitest/config'

// The console in a browser: each file of tests has a server, partners and a browser of its own.
export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ['*.test.ts'],
    // Two at a time, whatever the machine has: each is a server, a browser and SSH servers.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What one test leaves, the next of its file finds: they tell a story, in order.
    sequence: { concurrent: false, shuffle: false },
    bail: 0,
    retry: 0,
  },
})
