import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  clearScreen: false,
  // The window's content policy allows no data: scripts, and small files are as fast from disk.
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false },
  // The window's own policy, plus the loopback core that tests talk to.
  preview: {
    headers: {
      'content-security-policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self' http://127.0.0.1:*",
    },
  },
  // The fixture takes the real packs from beside the core.
  server: { fs: { allow: ['..'] }, port: 5173, strictPort: true, host: '127.0.0.1' },
  // Unit tests take the browser's half of Svelte too.
  ...(process.env.VITEST ? { resolve: { conditions: ['browser'] } } : {}),
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
    restoreMocks: true,
  },
});
