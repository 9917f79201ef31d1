import { defineConfig } from '@playwright/test'

// Several checkouts can be tested at the same time. Workers read this file again, with the same environment.
const PORT = Number((process.env.SITE_PORT ??= String(20000 + (process.pid % 20000))))

export default defineConfig({
  testDir: '.',
  testMatch: ['tests/**/*.spec.ts', 'playground/**/*.spec.ts'],
  outputDir: './test-results',
  reporter: 'list',
  fullyParallel: true,
  forbidOnly: true,
  // A machine that compiles at the same time is slow.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: `http://localhost:${PORT}/immutable-pods-policy/`,
    launchOptions: { executablePath: process.env.CHROMIUM },
  },
  webServer: {
    command: `npm run preview -- --port ${PORT}`,
    port: PORT,
    reuseExistingServer: false,
  },
})
