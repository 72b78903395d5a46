import { mount } from 'svelte';
import App from './App.svelte';
import { openBackend } from './backend/open';
import { connectTo } from './lib/state.svelte';
import './style/base.css';

const target = document.getElementById('app');
if (target) {
  connectTo(await openBackend());
  mount(App, { target });
}
