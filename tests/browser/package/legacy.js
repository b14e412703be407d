window.said = "╣зр╩╫╡";
