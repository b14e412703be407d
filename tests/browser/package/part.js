self.part = "part of ";
