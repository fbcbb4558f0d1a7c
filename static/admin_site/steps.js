// What is made in steps goes on by itself: each step answers with a page whose form asks for the next one.
document.querySelector("form[data-goes-on]")?.requestSubmit();
