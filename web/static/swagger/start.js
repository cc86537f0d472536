/** Shows this deployment's own document, and asks nobody else about it. */
const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()
window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  // A token lives as long as the page: where it would be kept, other pages of this origin could read it.
  persistAuthorization: false,
  validatorUrl: null,
})
