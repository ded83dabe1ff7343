// The terminal's script asks the page for the socket's address when everything is loaded, and marks the body when the program
// has drawn something; from then on the keyboard is the program's, without a click.
document.addEventListener("DOMContentLoaded", () => {
  const socket = `ws://${location.host}${location.pathname}ws`;
  document.getElementById("terminal").dataset.sessionWebsocketUrl = socket;
  document.getElementById("again").addEventListener("click", () => location.reload());
  const drawn = new MutationObserver(() => {
    if (document.body.classList.contains("-first-byte")) {
      drawn.disconnect();
      document.querySelector(".xterm-helper-textarea").focus();
    }
  });
  drawn.observe(document.body, { attributes: true, attributeFilter: ["class"] });
});
