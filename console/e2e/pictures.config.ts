import { defineConfig } from 'vitest/config'

// `make pictures`: takes the pictures of the README anew.
export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ['pictures.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
})
