window.asked = (window.asked || 0) + 1;
